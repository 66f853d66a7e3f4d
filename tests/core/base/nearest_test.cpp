// SPDX-License-Identifier: Apache-2.0
#include "core/base/nearest.hpp"

#include <doctest/doctest.h>

using wrktalk::base::nearest;

TEST_SUITE("base::nearest") {
  TEST_CASE("a slip of the finger finds the word that was meant") {
    const std::vector<std::string> commands = {"deploy", "rollback", "release", "status", "task"};
    CHECK(nearest("deplyo", commands) == "deploy");
    CHECK(nearest("stats", commands) == "status");
    CHECK(nearest("rolback", commands) == "rollback");
    CHECK(nearest("tsk", commands) == "task");
  }

  TEST_CASE("a word that is far from all is left alone") {
    CHECK_FALSE(nearest("kubectl", {"deploy", "status"}));
    CHECK_FALSE(nearest("x", {"deploy"}));
    CHECK_FALSE(nearest("deploy", {}));
  }
}
