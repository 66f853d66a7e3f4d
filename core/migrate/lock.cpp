// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/lock.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using namespace std::chrono_literals;

constexpr const char* kKey = "2003987316, 1";  // 'wrkt' as a number, and the first of our locks
constexpr auto kFirstPause = std::chrono::milliseconds(50);
constexpr auto kLongestPause = std::chrono::milliseconds(500);

}  // namespace

RunnerLock::RunnerLock(const db::ConnectionSettings& settings, base::Pulse& outer, Deadline wait,
                       const std::function<void(const std::string&)>& on_wait)
    : outer_(outer), connection_(settings) {
  auto pause = kFirstPause;
  for (bool told = false; !try_once(); told = true) {
    if (wait.passed()) {
      throw Error(Kind::busy, "another migration is running: " + holder(),
                  "wait for it, raise --wait-lock, or end that session if it hangs");
    }
    if (!told) on_wait(holder());
    base::pause(outer_, base::sooner(Deadline::in(pause), wait));
    pause = std::min(pause * 2, kLongestPause);
  }
}

bool RunnerLock::try_once() {
  connection_.script(connection_.begin_sql(), outer_, Deadline::never());
  const auto answer =
      connection_.query(std::string("SELECT pg_try_advisory_lock(") + kKey + ")", {}, outer_, Deadline::never());
  const bool held = answer.rows.at(0).at(0) == "t";
  // CREATE INDEX CONCURRENTLY waits for the end of every transaction that it saw with a snapshot, and this one has had
  // one. Both statements go in one message, so that a pooler gives us no other session between them.
  connection_.script(held ? "COMMIT; " + connection_.begin_sql() : "ROLLBACK", outer_, Deadline::never());
  return held;
}

std::string RunnerLock::holder() {
  const auto answer = connection_.query(
      std::string("SELECT a.application_name, a.pid, to_char(a.xact_start AT TIME ZONE 'UTC', "
                  "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                  "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND (l.classid, l.objid) = (") +
          kKey + ") AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      {}, outer_, Deadline::never());
  if (answer.rows.empty()) return "it ended a moment ago";
  const auto& row = answer.rows.front();
  return row[0].value_or("") + ", pid " + row[1].value_or("?") + ", since " + row[2].value_or("?");
}

Deadline RunnerLock::watch(std::vector<pollfd>& fds) {
  fds.push_back({connection_.socket(), POLLIN, 0});
  return outer_.watch(fds);
}

void RunnerLock::tick() {
  outer_.tick();
  if (!connection_.alive()) {
    throw Error(Kind::connection_lost, "lost the connection that holds the migration lock",
                "run the command again: what was not finished was undone");
  }
}

}  // namespace wrktalk::migrate
