// SPDX-License-Identifier: Apache-2.0
#include "core/log/secret_values.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wrktalk;

namespace {

bool holds(const std::vector<base::Secret>& values, const std::string& text) {
  return std::any_of(values.begin(), values.end(), [&](const auto& value) { return value.reveal() == text; });
}

}  // namespace

TEST_SUITE("log::secret_values") {
  TEST_CASE("values of an env file, however they are written") {
    const auto values = log::values_of_env(
        "# a-comment=of-no-matter\n"
        "PLAIN=plain-value-1\r\n"
        "export SHOWN=exported-value-2\n"
        "SHORT=seven-7\n"
        "DOUBLE=\"double \\\"quoted\\\" value\"\n"
        "SINGLE='single-quoted-value' # why\n"
        "COMMENTED=commented-value # why\n"
        "SIGN=a=b=c=value\n"
        "KEY=\"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nlast-line-of-it\"\n"
        "AFTER=after-the-lines\n");
    for (const char* text : {"plain-value-1", "exported-value-2", "double \"quoted\" value", "single-quoted-value",
                             "commented-value", "a=b=c=value", "MIIEvQIBADANBg", "last-line-of-it", "after-the-lines"})
      CHECK_MESSAGE(holds(values, text), text);
    for (const char* text : {"seven-7", "of-no-matter", "-----BEGIN PRIVATE KEY-----"})
      CHECK_MESSAGE(!holds(values, text), text);
  }

  TEST_CASE("values of a YAML file, in every style") {
    const auto values = log::values_of_yaml(
        "# password: of-no-matter\n"
        "image: \"registry.example.org/web\"\n"
        "nested:\n"
        "  single: 'it''s-a-value'\n"
        "  tagged: !!str &anchor tagged-value\n"
        "  escaped: \"tab\\tand \\u0041-value\"\n"
        "list:\n"
        "  - item-value-1\n"
        "  - name: in-an-item\n"
        "    - - deep-in-a-list\n"
        "flow: {a: flow-value-1, b: [flow-value-2, \"flow-value-3\"]}\n"
        "block: |\n"
        "  password: block-value-1\n"
        "  a line of prose\n"
        "folded: >-\n"
        "  folded-value-1\n"
        "plain: goes on\n"
        "  in-another-line\n"
        "url: http://example.org:80/x\n"
        "number: 123456789\n");
    for (const char* text :
         {"registry.example.org/web", "it's-a-value", "tagged-value", "tab\tand A-value", "item-value-1", "in-an-item",
          "deep-in-a-list", "flow-value-1", "flow-value-2", "flow-value-3", "block-value-1", "a line of prose",
          "password: block-value-1", "folded-value-1", "in-another-line", "http://example.org:80/x", "123456789"})
      CHECK_MESSAGE(holds(values, text), text);
    for (const char* text :
         {"of-no-matter", "password: of-no-matter", "image: \"registry.example.org/web\"", "nested:"})
      CHECK_MESSAGE(!holds(values, text), text);
  }

  TEST_CASE("values of JSON, lines of a longer one apart") {
    const auto values = log::values_of_yaml(R"({"a": {"b": ["in-a-list-1", "line-one-1\nline-two-2\nshort"]}})");
    for (const char* text : {"in-a-list-1", "line-one-1", "line-two-2"}) CHECK_MESSAGE(holds(values, text), text);
    CHECK_FALSE(holds(values, "short"));
  }

  TEST_CASE("names that every message holds are no secrets") {
    const auto values =
        log::without_public(log::values_of_env("A=wrktalk-web\nB=really-secret\n"), {"kubernetes:prod/wrktalk-web"});
    REQUIRE(values.size() == 1);
    CHECK(values.front().reveal() == "really-secret");
  }

  TEST_CASE("a short value counts where its name calls it a secret") {
    CHECK(holds(log::values_of_env("DB_PASSWORD=hunt2\n"), "hunt2"));
    CHECK(holds(log::values_of_yaml("db:\n  password: hunt2\n"), "hunt2"));
    CHECK(holds(log::values_of_yaml("{\"db\": {\"password\": \"hunt2\"}}"), "hunt2"));
    CHECK_FALSE(holds(log::values_of_env("DB_NAME=hunt2\n"), "hunt2"));
    CHECK_FALSE(holds(log::values_of_yaml("password: x\nname: hunt2\n"), "hunt2"));
  }

  TEST_CASE("the pieces that a reader takes for a name or a value of its own") {
    const auto hash = log::values_of_env("HASH=$2y$10$abcdefghij/klm.no\n");
    CHECK(holds(hash, "$2y$10$abcdefghij/klm.no"));
    CHECK(holds(hash, "abcdefghij"));
    const auto quoted = log::values_of_env("DB_PASSWORD='it's-TOPSECRET-9f3c'\n");
    CHECK(holds(quoted, "s-TOPSECRET-9f3c'"));
  }
}
