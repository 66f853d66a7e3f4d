// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/version_order.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wrktalk;
using release_manifest::compare_versions;
using release_manifest::VersionRange;

TEST_SUITE("release_manifest::version_order") {
  TEST_CASE("versions have one order") {
    const std::vector<std::string> rising = {"0.9",
                                             "1.0.0-alpha",
                                             "1.0.0-alpha.1",
                                             "1.0.0-beta",
                                             "1.0-rc.2",
                                             "1.0.0-rc.10",
                                             "1.0",
                                             "1.0.0-1",
                                             "1.0.1",
                                             "1.0.2a",
                                             "1.4.9",
                                             "1.10",
                                             "v2.0",
                                             "2.0.1+b7",
                                             "10",
                                             "2026-01-31",
                                             "2026-02-01",
                                             "2026.11.28",
                                             "99999999999999999999999.1"};
    for (std::size_t a = 0; a < rising.size(); ++a) {
      for (std::size_t b = 0; b < rising.size(); ++b) {
        CAPTURE(rising[a]);
        CAPTURE(rising[b]);
        CHECK(compare_versions(rising[a], rising[b]) == (a < b ? -1 : a > b ? 1 : 0));
      }
    }
  }

  TEST_CASE("zeros at the end, a leading v, case and what follows a plus make no difference") {
    for (const char* same : {"2.0", "2.0.0", "v2", "V2.0+abc", "02.0"}) {
      CAPTURE(same);
      CHECK(compare_versions(same, "2") == 0);
    }
    CHECK(compare_versions("2.0-RC1", "2.0.0-rc1") == 0);
    CHECK(compare_versions("0", "0.0.0") == 0);
    CHECK(compare_versions("2.0.1", "2.0") == 1);
  }

  TEST_CASE("what begins with no digit has no place") {
    CHECK(release_manifest::is_ordered("1.0"));
    CHECK(release_manifest::is_ordered("v1"));
    for (const char* text : {"", "latest", "v", "vx1", "-1"}) CHECK_FALSE(release_manifest::is_ordered(text));
  }

  TEST_CASE("ranges hold for versions") {
    CHECK(VersionRange::parse(">=1.4").holds("1.4"));
    CHECK(VersionRange::parse(">=1.4").holds("1.10"));
    CHECK_FALSE(VersionRange::parse(">=1.4").holds("1.3.9"));
    CHECK_FALSE(VersionRange::parse(">=1.4").holds("1.4-rc1"));
    CHECK_FALSE(VersionRange::parse(">=1.4").holds("latest"));
    const auto both = VersionRange::parse(" >= 1.4 , <2 ");
    CHECK(both.text() == ">=1.4,<2");
    CHECK(both.holds("1.9"));
    CHECK_FALSE(both.holds("2.0"));
    CHECK(VersionRange::parse("=1.4").holds("1.4.0"));
    CHECK_FALSE(VersionRange::parse(">1.4").holds("1.4"));
    CHECK(VersionRange::parse("<=1.4").holds("1.4"));
  }

  TEST_CASE("a range knows whether anything older fits") {
    CHECK(VersionRange::parse(">=1.4").has_older_than("2.0"));
    CHECK_FALSE(VersionRange::parse(">=2.0").has_older_than("2.0"));
    CHECK_FALSE(VersionRange::parse("=2.1").has_older_than("2.0"));
    CHECK(VersionRange::parse("<9").has_older_than("2.0"));
  }

  TEST_CASE("what is no range is refused") {
    for (const char* text : {"", "1.4", ">=", ">=latest", "~1.4", ">=1.4,", ">=1.4 <2", ">= 1.4 2", "!=1"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(VersionRange::parse(text), base::Error);
    }
  }
}
