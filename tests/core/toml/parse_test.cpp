// SPDX-License-Identifier: Apache-2.0
#include "core/toml/parse.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk;
using toml::Value;

TEST_SUITE("toml::parse") {
  Value parsed(const std::string& text) { return toml::parse(text, "a.toml", base::Kind::artifact, "mend it"); }

  TEST_CASE("values keep their kinds and lines") {
    const auto root =
        parsed("a = \"x\"\n\n[s]\nb = 3\nc = true\nd = [\n  1.5,\n  2026-01-31]\n[[t]]\ne = 1\n[[t]]\ne = 2\n");
    REQUIRE(root.entries.size() == 3);
    CHECK(root.entries[0].first == "a");
    CHECK(root.entries[0].second.text == "x");
    const auto& section = root.entries[1].second;
    CHECK(section.line == 3);
    CHECK(section.entries[0].second.integer == 3);
    CHECK(section.entries[0].second.line == 4);
    CHECK(section.entries[1].second.truth);
    const auto& list = section.entries[2].second;
    CHECK(list.kind == Value::Kind::list);
    CHECK(list.items[0].number == 1.5);
    CHECK(list.items[0].line == 7);
    CHECK(list.items[1].kind == Value::Kind::time);
    const auto& tables = root.entries[2].second;
    CHECK(tables.kind == Value::Kind::list);
    REQUIRE(tables.items.size() == 2);
    CHECK(tables.items[1].entries[0].second.integer == 2);
  }

  TEST_CASE("what is no TOML names line and column, and no value") {
    const auto refusal = [](const std::string& text) {
      try {
        parsed(text);
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::artifact);
        CHECK(e.hint() == "mend it");
        return std::string(e.what());
      }
      return std::string("taken");
    };
    CHECK(refusal("a = hunter2\n") == "a.toml line 1, column 5: this is not TOML");
    CHECK(refusal("a = 1\na = 2\n") == "a.toml line 2, column 5: a key or a section is written twice");
    CHECK(refusal("[.]").find("this is not TOML") != std::string::npos);
    CHECK(refusal("a = \"\xff\"").find("this is not TOML") != std::string::npos);
  }

  TEST_CASE("depth does not end the program") {
    std::string dotted;
    for (int i = 0; i < 100'000; ++i) dotted += "a.";
    CHECK_THROWS_WITH_AS(parsed("\n" + dotted + "a = 1\n"), "a.toml line 2: there are too many dots in it",
                         base::Error);
    CHECK_THROWS_AS(parsed("a = " + std::string(100'000, '[')), base::Error);
  }
}
