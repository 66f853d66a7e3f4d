// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"

#include "core/base/error.hpp"
#include "core/base/loopback.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::base;

TEST_SUITE("base::text") {
  TEST_CASE("scrub_utf8 keeps valid text and replaces every bad byte") {
    CHECK(scrub_utf8("grüße ✅") == "grüße ✅");
    CHECK(scrub_utf8(std::string("a\0b", 3)) ==
          "a\xEF\xBF\xBD"
          "b");
    CHECK(scrub_utf8("\xFF") == "\xEF\xBF\xBD");
    CHECK(scrub_utf8("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
    CHECK(scrub_utf8("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
    CHECK(scrub_utf8("\xE2\x9C") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut short
  }

  TEST_CASE("one_line leaves no control character") {
    CHECK(one_line("a\nb\tc\r\n") == "a b c");
    CHECK(one_line("\x1b[31mred") == "\\x1b[31mred");
  }

  TEST_CASE("durations are read as helm and people write them") {
    using std::chrono::milliseconds;
    CHECK(parse_duration("30") == milliseconds(30'000));
    CHECK(parse_duration("10m") == milliseconds(600'000));
    CHECK(parse_duration("1h30m") == milliseconds(5'400'000));
    CHECK(parse_duration("1.5s") == milliseconds(1500));
    CHECK(parse_duration("250ms") == milliseconds(250));
    CHECK(parse_duration("2d") == milliseconds(172'800'000));
    for (const char* bad : {"", "m", "10x", "-5s", "5s3", "1..2s", "99999999d"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(parse_duration(bad), Error);
    }
    CHECK(go_duration(milliseconds(600'000)) == "600s");
    CHECK(go_duration(milliseconds(1500)) == "1500ms");
  }

  TEST_CASE("sizes and durations read well") {
    CHECK(human_size(17) == "17 B");
    CHECK(human_size(4200) == "4.2 kB");
    CHECK(human_size(999'999) == "1.0 MB");
    CHECK(human_duration(std::chrono::milliseconds(350)) == "350 ms");
    CHECK(human_duration(std::chrono::seconds(200)) == "3 min 20 s");
  }

  TEST_CASE("tail cuts at a line and says so") {
    CHECK(tail("short", 10) == "short");
    CHECK(tail("one\ntwo\nthree\n", 9) == "[...]\nthree\n");
  }

  TEST_CASE("only numbers and localhost are this machine for certain") {
    for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"}) CHECK(is_loopback(host));
    for (const char* host : {"", "127.example.org", "localhost.example.org", "128.0.0.1", "::2", "127.1"})
      CHECK_FALSE(is_loopback(host));
  }
}
