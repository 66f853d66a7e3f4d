// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/folders.hpp"

#include "tests/core/deploy/support.hpp"

#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

TEST_SUITE("deploy::WorkFolder") {
  TEST_CASE("what a task left goes, and what one uses stays") {
    const base::TempDir place("/tmp", "folders-test-");
    const std::string parent = place.path() + "/work";
    const WorkFolder used(parent, "task-");
    write(parent + "/left/inner/file", "");
    WorkFolder::sweep(parent);
    CHECK(entries(parent) == std::vector<std::string>{used.path().substr(parent.size() + 1)});
  }

  TEST_CASE("a link that somebody made under the name of the working folder is not swept") {
    const base::TempDir place("/tmp", "folders-test-");
    write(place.path() + "/victim/folder/file", "stays");
    REQUIRE(::symlink("victim", (place.path() + "/work").c_str()) == 0);
    WorkFolder::sweep(place.path() + "/work");
    CHECK(base::exists(place.path() + "/victim/folder/file"));
    CHECK_THROWS_AS(WorkFolder(place.path() + "/work", "task-"), base::Error);
  }
}
