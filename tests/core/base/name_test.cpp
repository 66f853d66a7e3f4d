// SPDX-License-Identifier: Apache-2.0
#include "core/base/name.hpp"

#include <doctest/doctest.h>

#include <string>

using wrktalk::base::is_version;

TEST_SUITE("base::is_version") {
  TEST_CASE("semantic versions, dates and commit names are versions") {
    for (const char* good : {"1", "1.2.3", "v2", "1.0.0-rc.1+build_7", "2026-01-31", "a1b2c3d"})
      CHECK(is_version(good));
    CHECK(is_version(std::string(100, '1')));
  }

  TEST_CASE("what a path, an option or a shell would read differently is none") {
    for (const char* bad : {"", ".", "..", "-1", "+1", "_1", "a/b", "1;rm", "1 2", "$(id)", "1\n", "\xC3\xA9"}) {
      CHECK_FALSE(is_version(bad));
    }
    CHECK_FALSE(is_version(std::string(101, '1')));
    CHECK_FALSE(is_version(std::string_view("1\0", 2)));
  }
}
