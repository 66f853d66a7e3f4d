// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/way_up.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wrktalk;
using namespace release_manifest;
using Way = std::vector<std::string>;

namespace {

Stop stop(const std::string& version, const std::string& from = {}) {
  Stop out{version};
  if (!from.empty()) out.from = VersionRange::parse(from);
  return out;
}

}  // namespace

TEST_SUITE("release_manifest::way_up") {
  TEST_CASE("the way leads through what each release takes") {
    const Stop goal = stop("2.0", ">=1.4");
    CHECK(way_up("1.4.9", goal, {}) == Way{"2.0"});
    CHECK(way_up("1.2", goal, {stop("1.3"), stop("1.4"), stop("1.4.9"), stop("1.1"), stop("3.0")}) ==
          Way{"1.4.9", "2.0"});
    CHECK(way_up("1.0", stop("3.0", ">=2.0"),
                 {stop("2.1", ">=1.4"), stop("1.9"), stop("1.4", ">=1.2"), stop("1.5", "=1.4")}) ==
          Way{"1.9", "2.1", "3.0"});
  }

  TEST_CASE("as few as can be, of those the newest") {
    CHECK(way_up("1.0", stop("4.0", ">=2"), {stop("3.5", ">=3"), stop("3.0", ">=2"), stop("2.5"), stop("2.6")}) ==
          Way{"2.6", "4.0"});
  }

  TEST_CASE("without a way it is said where it ends") {
    const Stop goal = stop("2.0", ">=1.4");
    CHECK(way_up("1.2", goal, {stop("1.3"), stop("1.1")}).empty());
    CHECK(where_it_ends("1.2", goal, {stop("1.3"), stop("1.1")}) ==
          "2.0 takes >=1.4, and no stored release between 1.2 and 2.0 fits that");
    CHECK(way_up("1.0", goal, {stop("1.4", ">=1.3")}).empty());
    CHECK(where_it_ends("1.0", goal, {stop("1.4", ">=1.3")}) ==
          "2.0 takes >=1.4, and 1.4 takes >=1.3, and no stored release between 1.0 and 1.4 fits that");
  }

  TEST_CASE("releases that want each other lead nowhere, and the search ends") {
    const std::vector<Stop> stored = {stop("1.8", "=1.9"), stop("1.9", "=1.8")};
    CHECK(way_up("1.0", stop("2.0", ">=1.8"), stored).empty());
    CHECK(where_it_ends("1.0", stop("2.0", ">=1.8"), stored).find("1.8 takes =1.9, and no stored release") !=
          std::string::npos);
  }

  TEST_CASE("versions without an order are passed over") {
    CHECK(way_up("1.2", stop("2.0", ">=1.4"), {stop("latest"), stop("1.4")}) == Way{"1.4", "2.0"});
  }
}
