// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/staging.hpp"

#include "core/artifact/run_blocking.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

using namespace wrktalk;
using artifact::Staging;

namespace {

std::size_t names_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

void put(const Staging& staging, const char* name) {
  const base::Fd file(::openat(staging.folder(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  REQUIRE(file);
}

}  // namespace

TEST_SUITE("artifact::Staging") {
  TEST_CASE("what is published takes the destination's place; what is not is gone") {
    const base::TempDir top("/tmp", "wrktalk-staging-");
    base::NoPulse pulse;
    const std::string destination = top.path() + "/1.0";
    for (const char* name : {"first", "second"}) {
      {
        Staging given_up(destination, pulse);
        put(given_up, "x");
      }
      Staging staging(destination, pulse);
      put(staging, name);
      CHECK_FALSE(base::exists(destination + "/" + name));
      staging.publish(pulse);
      CHECK(base::exists(destination + "/" + name));
      CHECK(names_in(destination) == 1);
      CHECK(names_in(top.path()) == 1);
    }
    struct stat info {};
    REQUIRE(::stat(destination.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0755);
  }

  TEST_CASE("left-overs of a killed process are removed, those of a living one are not") {
    const base::TempDir top("/tmp", "wrktalk-staging-");
    base::NoPulse pulse;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const Staging killed(top.path() + "/0.9", pulse);
      ::raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(names_in(top.path()) == 1);
    const Staging alive(top.path() + "/1.0", pulse);
    CHECK(names_in(top.path()) == 1);
    base::make_directories(top.path() + "/1.0.part-abcdef", 0755);
    const Staging other(top.path() + "/1.1", pulse);
    CHECK(names_in(top.path()) == 3);
  }

  TEST_CASE("a parent that is not there is an error") {
    base::NoPulse pulse;
    CHECK_THROWS_AS(Staging("/nonexistent/x/1.0", pulse), base::Error);
  }
}

TEST_SUITE("artifact::run_blocking") {
  TEST_CASE("the pulse goes on while the work is done, and the work is done whatever the pulse says") {
    struct Counting : base::NoPulse {
      int ticks = 0;
      void tick() override {
        if (++ticks == 2) throw base::Error(base::Kind::cancelled, "enough");
      }
    } pulse;
    bool done = false;
    CHECK_THROWS_WITH(artifact::run_blocking(pulse,
                                             [&] {
                                               std::this_thread::sleep_for(std::chrono::milliseconds(300));
                                               done = true;
                                             }),
                      "enough");
    CHECK(done);
    CHECK(pulse.ticks > 2);
    CHECK_THROWS_WITH(artifact::run_blocking(pulse, [] { throw base::Error(base::Kind::failed, "no"); }), "no");
  }
}
