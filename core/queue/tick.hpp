// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/queue/claim.hpp"
#include "core/queue/lease_watch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::queue {

/// What one idle tick learns. The same statement says that the agent is alive (agent_instance, last_agent_poll).
struct Tick {
  bool due = false;                               ///< `claim` would find something
  bool silent = false;                            ///< an agent that did not sign out has not been seen for 10 minutes
  bool overdue = false;                           ///< `fail_overdue` would find something
  std::optional<std::chrono::milliseconds> next;  ///< until the next scheduled task or the end of a lease, within a day
  std::optional<std::chrono::milliseconds> chore;  ///< until another concern's work is due: zero when it is already
  std::optional<std::chrono::milliseconds> news;   ///< until the outbox has something due: zero when it has already
  std::vector<double> numbers;                     ///< what was asked for besides
  double server_seconds = 0;                       ///< the server's clock, in seconds since 1970
  std::vector<Lease> leases;                       ///< in progress on the served targets, at most 100
};

/// `chore`: an SQL expression for the seconds until another concern has work for this agent, null for none; $3 is the agent's id. `news`: the same
/// for the outbox. `numbers`: SQL expressions that are never null. `not_yet`: as `claim` takes it. How many tasks are for later or have ended does not
/// change what it costs.
Tick tick(db::Session& db, const Claimant& agent, const std::string& chore = "NULL::float8",
          const std::string& news = "NULL::float8", const std::vector<std::string>& numbers = {},
          const std::vector<std::string>& not_yet = {});

/// Such numbers alone, of one expression at least, in one statement.
std::vector<double> numbers(db::Session& db, const std::vector<std::string>& questions);

/// SQL, for `tick` and `numbers`: how many tasks are due, scheduled and running, whatever their target, and for how many seconds the oldest due one has waited.
/// It counts to 10,000 and no further.
std::vector<std::string> depths();

/// Fails what nobody will run any more, on whatever target: pending tasks that missed their schedule (kMissedMessage), and v4.2 tasks
/// that have been silent for `kSilence` (kTimeoutMessage). Returns them as they ended; each is returned to one caller.
std::vector<Task> fail_overdue(db::Transaction& tx);

/// Takes this start of the agent off the list.
void leave(db::Session& db, const Claimant& agent);

}  // namespace wrktalk::queue
