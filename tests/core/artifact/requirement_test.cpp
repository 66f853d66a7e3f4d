// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/requirement.hpp"

#include "core/artifact/server_env.hpp"
#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using artifact::checked_server_env;
using artifact::parse_requirements;

TEST_SUITE("what a release needs and brings") {
  TEST_CASE("requirements are read in all three forms, and all of them count") {
    const auto needed = parse_requirements("checkpoint>=9, checkpoint<=12,agent = 2");
    REQUIRE(needed.size() == 3);
    CHECK(to_text(needed[0]) == "checkpoint>=9");
    CHECK(to_text(needed[1]) == "checkpoint<=12");
    CHECK(to_text(needed[2]) == "agent=2");
    CHECK(needed[0].holds(9));
    CHECK(!needed[0].holds(8));
    CHECK(needed[1].holds(12));
    CHECK(!needed[1].holds(13));
    CHECK(!needed[2].holds(1));
  }

  TEST_CASE("what is no requirement is refused with an example") {
    for (const char* text : {"", "checkpoint", "checkpoint>9", "checkpoint>=", "Checkpoint>=9", "a>=9;drop", "a>=9,"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(parse_requirements(text), base::Error);
    }
  }

  TEST_CASE("settings are kept in the form in which they were written") {
    CHECK(checked_server_env(R"([ {"key": "MAIL_RETRIES", "value": "3", "category": "mail"} ])") ==
          R"([{"key":"MAIL_RETRIES","value":"3","category":"mail"}])");
  }

  TEST_CASE("settings of another shape are refused") {
    for (const char* text :
         {"", "{}", "[]", "[1]", R"([{"key": "A", "value": "1"}])", R"([{"key": "A", "value": 1, "category": "x"}])",
          R"([{"key": "A B", "value": "1", "category": "x"}])", R"([{"key": "A", "value": "1", "category": ""}])",
          R"([{"key": "A", "value": "1", "category": "x", "secret": "y"}])",
          R"([{"key": "A", "value": "1", "category": "x"}, {"key": "A", "value": "2", "category": "x"}])"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(checked_server_env(text), base::Error);
    }
  }
}
