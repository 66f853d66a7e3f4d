// SPDX-License-Identifier: Apache-2.0
#include "core/observe/state_file.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::observe;
using std::chrono::seconds;

TEST_SUITE("observe::StateFile") {
  TEST_CASE("a name that is no file's name is written so that no two are the same") {
    CHECK(state_path("/run", "site-1.example") == "/run/wrktalk-agent-site-1.example.state");
    CHECK(state_path("/run", "../a b") == "/run/wrktalk-agent-..%2Fa%20b.state");
  }

  TEST_CASE("a daemon that has just ticked is healthy, and gone when it has ended") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    CHECK(health(path, seconds(30)).reason == "no agent runs here: " + path + ": No such file or directory");
    {
      StateFile file(path);
      const auto good = health(path, seconds(30));
      CHECK(good.good);
      CHECK(good.tick_age < seconds(30));
      file.stamp();
      CHECK(health(path, seconds(30)).good);
    }
    CHECK_FALSE(base::exists(path));
  }

  TEST_CASE("an old stamp says how old it is") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const StateFile file(state_path(dir.path(), "site"));
    ::usleep(20'000);
    const auto late = health(state_path(dir.path(), "site"), std::chrono::milliseconds(1));
    CHECK_FALSE(late.good);
    CHECK(late.reason.find("the loop's last tick was ") == 0);
    CHECK(late.reason.find("allowed are 1 ms") != std::string::npos);
  }

  TEST_CASE("a file that a killed daemon left is no sign of life, nor is one that means nothing") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    base::write_private_file(path, "00000000000000000001 another-boot/1 1 1\n");
    CHECK(health(path, seconds(30)).reason == "the agent is gone: " + path + " was left by process 1");
    base::remove_tree(path);
    base::write_private_file(path, "");
    CHECK_FALSE(health(path, seconds(30)).good);
  }

  TEST_CASE("a link is not followed") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    base::write_private_file(dir.path() + "/precious", "precious");
    REQUIRE(::symlink((dir.path() + "/precious").c_str(), path.c_str()) == 0);
    CHECK_THROWS_AS(StateFile{path}, base::Error);
    CHECK_FALSE(health(path, seconds(30)).good);
    CHECK(base::read_file(dir.path() + "/precious", 100) == "precious");
  }

  TEST_CASE("a file that was taken away is noticed, and one that took its place stays") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    {
      const StateFile file(path);
      CHECK(file.is_there());
      base::remove_tree(path);
      CHECK_FALSE(file.is_there());
      base::write_private_file(path, "somebody else's");
      CHECK_FALSE(file.is_there());
    }
    CHECK(base::exists(path));
  }

  TEST_CASE("a hard link to another file is not written to") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    base::write_private_file(dir.path() + "/precious", "precious");
    REQUIRE(::link((dir.path() + "/precious").c_str(), path.c_str()) == 0);
    CHECK_THROWS_AS(StateFile{path}, base::Error);
    CHECK(base::read_file(dir.path() + "/precious", 100) == "precious");
  }

  TEST_CASE("two daemons of one name: the file is the first one's as long as it runs") {
    const base::TempDir dir(base::temporary_parent(), "state-");
    const auto path = state_path(dir.path(), "site");
    {
      const StateFile first(path);
      CHECK_THROWS_WITH_AS(
          StateFile{path},
          (path + " belongs to the agent of the same name that runs as process " + std::to_string(::getpid())).c_str(),
          base::Error);
      CHECK(health(path, seconds(30)).good);
    }
    CHECK_NOTHROW(StateFile{path});
  }
}
