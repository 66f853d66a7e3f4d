// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/before.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk::deploy;

TEST_SUITE("deploy::Before") {
  TEST_CASE("it is read back as it was written") {
    for (const auto state : {Before::State::nothing, Before::State::running, Before::State::unknown}) {
      Before before;
      before.state = state;
      CHECK(before_from_json(to_json(before)).state == state);
      CHECK_FALSE(before_from_json(to_json(before)).version);
    }
    const Before all{Before::State::running, "1.0", 7, R"({"link":"releases/1.0","led_nowhere":false})", "it \"runs\""};
    const Before read = before_from_json(to_json(all));
    CHECK(read.version == "1.0");
    CHECK(read.revision == 7);
    CHECK(read.way_back == R"({"led_nowhere":false,"link":"releases/1.0"})");
    CHECK(read.detail == all.detail);
  }

  TEST_CASE("bytes that are no UTF-8 are replaced, a way back that is no object is left out") {
    const Before before{Before::State::running, {}, {}, "nonsense", "\xff"};
    CHECK(to_json(before) == "{\"detail\":\"\xef\xbf\xbd\",\"state\":\"running\",\"way_back\":{}}");
  }

  TEST_CASE("a text that cannot be read says unknown, and never throws") {
    for (const char* text :
         {"", "null", "[]", "{", "{}", R"({"state":"gone"})", R"({"state":1})", R"({"state":"running","version":3})",
          R"({"state":"running","revision":"x"})", R"({"state":"running","way_back":[]})",
          R"({"state":"nothing","detail":{}})", "\xff\xfe"}) {
      CAPTURE(text);
      const Before before = before_from_json(text);
      CHECK(before.state == Before::State::unknown);
      CHECK(before.detail == "the note of what ran before cannot be read");
      CHECK(before.way_back == "{}");
    }
  }
}
