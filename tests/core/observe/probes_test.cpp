// SPDX-License-Identifier: Apache-2.0
#include "core/observe/probes.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::observe;
using std::chrono::seconds;
using wrktalk::base::BootClock;

namespace {

/// An agent that has just ticked and lacks nothing.
Status working(BootClock::time_point now) {
  auto status = new_status("site");
  status.ticked_at = now;
  status.database_answers();
  return status;
}

}  // namespace

TEST_SUITE("observe::probes") {
  TEST_CASE("an agent is alive as long as its loop ticks") {
    const auto now = BootClock::now();
    auto status = working(now);
    CHECK(livez(status, now).status == 200);
    CHECK(livez(status, now).body == "ok\n");
    CHECK(livez(status, now + seconds(60)).status == 200);
    CHECK(livez(status, now + seconds(95)).status == 503);
    CHECK(livez(status, now + seconds(95)).body == "the loop's last tick was 1 min 35 s ago, allowed are 1 min 0 s\n");
  }

  TEST_CASE("a database that is away makes it not ready, but not dead") {
    const auto now = BootClock::now();
    auto status = working(now);
    CHECK(readyz(status, now).status == 200);
    status.away_since = now - seconds(12);
    CHECK(readyz(status, now).status == 503);
    CHECK(readyz(status, now).body == "database: no answer for 12.0 s, the log says why\n");
    CHECK(livez(status, now).status == 200);
    status.database_answers();
    CHECK(readyz(status, now).status == 200);
  }

  TEST_CASE("since when the database is away is not moved by later tries") {
    auto status = working(BootClock::now());
    status.database_is_away();
    const auto since = status.away_since;
    status.database_is_away();
    CHECK(status.away_since == since);
  }

  TEST_CASE("an agent that has not reached its database yet is not ready") {
    const auto status = new_status("site");
    CHECK(readyz(status, status.ticked_at).status == 503);
  }

  TEST_CASE("all that is missing is named, a line each") {
    const auto now = BootClock::now();
    auto status = working(now);
    status.missing = {"kubernetes:a/b: the program helm is not there or cannot be run"};
    status.ending = true;
    CHECK(readyz(status, now).body ==
          "ending: no new task is taken\nkubernetes:a/b: the program helm is not there or cannot be run\n");
    CHECK(livez(status, now).status == 200);
  }
}
