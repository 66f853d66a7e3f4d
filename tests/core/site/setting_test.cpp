// SPDX-License-Identifier: Apache-2.0
#include "core/site/setting.hpp"

#include "core/base/error.hpp"
#include "core/deploy/env_file.hpp"
#include "core/site/references.hpp"
#include "core/site/values.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::site;
using base::TargetKind;

namespace {

/// Why it is refused; empty when it is not.
std::string why(const std::function<void()>& act, base::Kind kind = base::Kind::usage) {
  try {
    act();
  } catch (const base::Error& e) {
    CHECK(e.kind() == kind);
    CHECK_FALSE(e.hint().empty());
    CHECK(std::string(e.what()).find("TOPSECRET") == std::string::npos);
    return e.what();
  }
  return {};
}

std::string value(const std::string& word) { return from_words("a.b", word, TargetKind::kubernetes).value; }

std::string written(const std::string& yaml) { return to_values_file(from_values_file(yaml, "site.yaml")); }

}  // namespace

TEST_SUITE("site::setting") {
  TEST_CASE("a variable is every byte that was given") {
    for (const std::string text : {"", "plain", "$2a$10$abc./x", "a # b", " both ends ", "it's \"quoted\"",
                                   "two\nlines\n", "cr\r\nlf", "back\\slash", "a\\'b", "${HOME} $x", "ends\\", "\t"}) {
      CAPTURE(text);
      const auto setting = from_words("V", text, TargetKind::docker);
      CHECK(setting.value == text);
      const std::string file = to_env_file({setting});
      CHECK(from_env_file(file, "site.env", TargetKind::docker).at(0).value == text);
      CHECK(deploy::env::read(file, "site.env").find("V")->value == text);
    }
  }

  TEST_CASE("what compose cannot be given is refused by its name") {
    CHECK(why([] { from_words("V", "TOPSECRET #\\", TargetKind::docker); }).find("value of V ends with a backslash") !=
          std::string::npos);
    CHECK(why([] { from_words("V", std::string("a\0b", 3), TargetKind::docker); }).find("NUL") != std::string::npos);
    for (const char* name : {"", "1A", "A B", "A=B", "Ü"}) {
      CAPTURE(name);
      CHECK_FALSE(why([&] { from_words(name, "x", TargetKind::docker); }).empty());
    }
    CHECK(why([] { from_env_file("A=1\nB=\"x #y\\\\\"\n", "site.env", TargetKind::docker); }, base::Kind::artifact)
              .find("site.env:2: ") == 0);
    CHECK(why([] { from_env_file("A=1\n\nB=vault:kv\n", "site.env", TargetKind::docker); }, base::Kind::artifact)
              .find("site.env:3: ") == 0);
  }

  TEST_CASE("a host's programs keep their own ways") {
    for (const char* name : {"PATH", "LD_PRELOAD", "WRKTALK_VERSION", "BASH_ENV"}) {
      CAPTURE(name);
      CHECK_FALSE(why([&] { from_words(name, "x", TargetKind::host); }).empty());
      CHECK(why([&] { from_words(name, "x", TargetKind::docker); }).empty());
    }
  }

  TEST_CASE("words of values mean what they mean in a values file") {
    CHECK(value("true") == "true");
    CHECK(value("3") == "3");
    CHECK(value("-1.5") == "-1.5");
    CHECK(value("null") == "null");
    CHECK(value("") == "\"\"");
    CHECK(value("'3'") == "\"3\"");
    CHECK(value("a: b # c") == "\"a: b # c\"");
    CHECK(value("[a, {b: '1'}]") == "[a, {\"b\": \"1\"}]");
    CHECK(value("-") == "\"-\"");
    CHECK(value("...") == "\"...\"");
    CHECK(from_text("a", "3", TargetKind::kubernetes).value == "\"3\"");
    CHECK_FALSE(why([] { value("[a"); }).empty());
    CHECK_FALSE(why([] { from_words("a..b", "x", TargetKind::kubernetes); }).empty());
  }

  TEST_CASE("a values file becomes paths, and paths a values file") {
    const auto settings = from_values_file(
        "image: {tag: '1.10', pull: yes}\nannotations:\n  example.org/a.b: x\nargs: [--a, 'b c']\nempty: {}\nnone:\n",
        "site.yaml");
    const auto find = [&](const std::string& name) -> std::string {
      for (const auto& one : settings) {
        if (one.name == name) return one.value;
      }
      return "(absent)";
    };
    CHECK(find("image.tag") == "\"1.10\"");
    CHECK(find("image.pull") == "yes");
    CHECK(find("annotations.example\\.org/a\\.b") == "x");
    CHECK(find("args") == "[\"--a\", \"b c\"]");
    CHECK(find("empty") == "{}");
    CHECK(find("none") == "null");
    CHECK(written("b: {c: 1}\na: x\n") == "{\"a\": x, \"b\": {\"c\": 1}}\n");
    CHECK(written("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n") ==
          "{\"x\": {\"a\": 1, \"b\": 2}, \"y\": {\"a\": 1, \"b\": 3}}\n");
    CHECK(written(written("a: \"\\x7f\\u0085\\u00e9\"\n")) == written("a: \"\\x7f\\u0085\\u00e9\"\n"));
    CHECK(written("") == "{}\n");
    CHECK(why([] { from_values_file("a: 1\nb:\n  c: 1\n  c: 2\n", "site.yaml"); }, base::Kind::artifact)
              .find("site.yaml:4: ") == 0);
    CHECK_FALSE(why([] { from_values_file("- a\n", "site.yaml"); }, base::Kind::artifact).empty());
  }

  TEST_CASE("one value is no part of another") {
    const Settings both = {{"a", "1"}, {"a.b", "2"}};
    CHECK_FALSE(why([&] { check_all(both, TargetKind::kubernetes); }).empty());
    CHECK(why([&] { check_all(both, TargetKind::docker); }).empty());
    CHECK(why([] { check_all({{"a", "1"}, {"ab", "2"}}, TargetKind::kubernetes); }).empty());
    CHECK(is_at_or_below("a.b.c", "a.b"));
    CHECK_FALSE(is_at_or_below("a.bc", "a.b"));
    CHECK_FALSE(is_at_or_below("a\\.b", "a"));
  }

  TEST_CASE("sizes are bounded") {
    CHECK_FALSE(why([] { from_words("V", std::string(kLargestValue + 1, 'x'), TargetKind::docker); }).empty());
    Settings many;
    for (std::size_t i = 0; i <= kMostSettings; ++i) many.push_back({"V" + std::to_string(i), "x"});
    CHECK_FALSE(why([&] { check_all(many, TargetKind::docker); }).empty());
    CHECK_FALSE(why([] { check_all({{"V", std::string(kLargestInAll, 'x')}}, TargetKind::docker); }).empty());
  }
}

namespace {

struct FakeSource : Source {
  std::string vault(const std::string& path, const std::string& field) override {
    if (path == "kv/none") throw base::Error(base::Kind::configuration, "there is no secret", "write it");
    return "<" + path + "|" + field + ">";
  }
  std::string file(const std::string& path) override { return "{" + path + "}"; }
};

}  // namespace

TEST_SUITE("site::references") {
  TEST_CASE("a reference is what it leads to, wherever it stands") {
    FakeSource source;
    CHECK(resolved("V", "plain", source) == "plain");
    CHECK(resolved("V", "vault:kv/app/db#password", source) == "<kv/app/db|password>");
    CHECK(resolved("V", "pg://u:${vault:kv/app/db#password}@h${file:/run/x}/$1", source) ==
          "pg://u:<kv/app/db|password>@h{/run/x}/$1");
    CHECK(resolved("V", "a vault:kv/x#y", source) == "a vault:kv/x#y");
    // What they lead to is no reference again.
    CHECK_FALSE(has_references("${HOME}"));
    CHECK(has_references("${file:/x}"));
    CHECK(is_reference("${file:/x}"));
    CHECK(is_reference("vault:kv/app#password"));
    CHECK_FALSE(is_reference("u:${file:/x}"));
    CHECK_FALSE(is_reference("hunter2"));
  }

  TEST_CASE("one that is not whole is refused") {
    for (const char* text : {"vault:", "vault:kv", "vault:kv/app", "vault:kv/app#", "vault:#x", "${vault:kv/a}",
                             "${file:}", "${file:relative}", "${file:/x", "vault:kv/a b#c"}) {
      CAPTURE(text);
      CHECK_FALSE(why([&] { pieces_of(text); }).empty());
    }
  }

  TEST_CASE("what goes wrong is told with the setting and the reference") {
    FakeSource source;
    CHECK(why([&] { resolved("DB_PASSWORD", "vault:kv/none#p", source); }, base::Kind::configuration) ==
          "the site's DB_PASSWORD (vault:kv/none#p): there is no secret");
  }

  TEST_CASE("an env file of the site's may hold them without quotes") {
    const auto file =
        deploy::env::read("A=${file:/run/x}\nB=\"x${vault:kv/a#b}\"\n", "site.env", deploy::env::Reader::site);
    CHECK(file.find("A")->value == "${file:/run/x}");
    CHECK(file.find("B")->value == "x${vault:kv/a#b}");
    CHECK_FALSE(why([] { deploy::env::read("A=${file:/run/x}\n", "release.env"); }, base::Kind::artifact).empty());
  }
}
