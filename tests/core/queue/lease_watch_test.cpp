// SPDX-License-Identifier: Apache-2.0
#include "core/queue/lease_watch.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

namespace {

const base::BootClock::time_point kStart{1'000s};
constexpr double kServer = 1.8e9;

/// A holder with a lease of 60 s that it renews, an observer, and a server's clock that may jump.
struct Scene {
  void look(std::chrono::seconds own, double age, const char* expires_at = "a") {
    const double server = kServer + std::chrono::duration<double>(own).count() + jumped;
    watch.look(kStart + own, server, {{"t", expires_at, age, 60}});
  }
  bool free(std::chrono::seconds own) const { return watch.not_yet(kStart + own).empty(); }

  queue::LeaseWatch watch;
  double jumped = 0;
};

}  // namespace

TEST_SUITE("queue::lease_watch") {
  TEST_CASE("an observer without an earlier look trusts the server's clock") {
    Scene s;
    CHECK(s.free(0s));
    s.look(0s, 3'600);
    CHECK(s.free(0s));
    CHECK_FALSE(s.watch.next(kStart));
    Scene young;
    young.look(0s, 20);
    CHECK_FALSE(young.free(39s));
    CHECK(young.free(40s));
  }

  TEST_CASE("a lease that runs out is free without delay, also when it was renewed between two looks") {
    Scene s;
    s.look(0s, 10, "a");
    s.look(40s, 5, "b");
    CHECK(s.watch.not_yet(kStart + 94s) == Ids{"t"});
    CHECK(s.watch.next(kStart + 94s)->when() == kStart + 95s);
    s.look(94s, 59, "b");
    CHECK(s.free(95s));
    CHECK_FALSE(s.watch.next(kStart + 95s));
  }

  TEST_CASE("an hour that the server's clock jumps does not free a lease that was seen before") {
    Scene s;
    s.look(0s, 10, "a");
    s.jumped = 3'600;
    s.look(5s, 3'615, "a");
    CHECK_FALSE(s.free(49s));
    CHECK(s.free(50s));
  }

  TEST_CASE("nor one that was renewed since the last look, however long ago that was") {
    Scene s;
    s.look(0s, 10, "a");
    s.jumped = 3'600;
    // Renewed one second before the look; the jump came between.
    s.look(59s, 3'601, "b");
    CHECK_FALSE(s.free(60s));
    CHECK_FALSE(s.free(117s));
    CHECK(s.free(118s));
    // Renewed after the jump.
    s.look(79s, 1, "c");
    CHECK_FALSE(s.free(137s));
    CHECK(s.free(138s));
  }

  TEST_CASE("nor that of a task that began since the last look") {
    Scene s;
    s.watch.look(kStart, kServer, {});
    s.jumped = 3'600;
    s.look(30s, 3'610, "a");
    CHECK_FALSE(s.free(79s));
    CHECK(s.free(80s));
  }

  TEST_CASE("a small adjustment of the server's clock, or one backwards, delays nothing") {
    Scene s;
    s.look(0s, 10, "a");
    s.jumped = 0.9;
    s.look(30s, 10, "b");
    CHECK(s.free(80s));
    s.jumped = -3'600;
    s.look(40s, -3'595, "c");
    CHECK_FALSE(s.free(99s));
    CHECK(s.free(100s));
  }

  TEST_CASE("a task that is not in progress any more is forgotten") {
    Scene s;
    s.look(0s, 0, "a");
    s.watch.look(kStart + 1s, kServer + 1, {});
    CHECK(s.free(1s));
  }
}
