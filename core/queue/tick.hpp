// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/queue/claim.hpp"
#include "core/queue/lease_watch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::queue {

/// What metrics show of the database, whatever the target. Tasks are counted to 10,000 and no further.
struct Figures {
  long due = 0;
  long scheduled = 0;
  long running = 0;
  double oldest_due_seconds = 0;  ///< how long the oldest due task has waited
  bool maintenance = false;       ///< some window is open, or v4.2's flag is set
  long outbox_waiting = 0;
  long outbox_given_up = 0;
};

/// What one idle tick learns. The same statement says that the agent is alive (agent_instance, last_agent_poll).
struct Tick {
  bool due = false;                               ///< `claim` would find something
  bool silent = false;                            ///< an agent that did not sign out has not been seen for 10 minutes
  bool overdue = false;                           ///< `fail_overdue` would find something
  std::optional<std::chrono::milliseconds> next;  ///< until the next scheduled task or the end of a lease, within a day
  bool in_maintenance = false;                    ///< a window is open, or v4.2's flag is set
  std::optional<std::chrono::milliseconds> maintenance_due;   ///< until all windows have ended: zero when they have
  std::optional<std::chrono::milliseconds> notification_due;  ///< until the outbox has something due: zero when it has
  double server_seconds = 0;                                  ///< the server's clock, in seconds since 1970
  std::vector<Lease> leases;                                  ///< in progress on the served targets, at most 100
  std::optional<Figures> figures;                             ///< when they were asked for
};

/// `not_yet`: as `claim` takes it. How many tasks are for later or have ended does not change what it costs.
Tick tick(db::Session& db, const Claimant& agent, bool with_figures = false,
          const std::vector<std::string>& not_yet = {});

/// The figures alone.
Figures figures(db::Session& db);

/// Fails what nobody will run any more, on whatever target: pending tasks that missed their schedule (kMissedMessage), and v4.2 tasks
/// that have been silent for `kSilence` (kTimeoutMessage). Returns them as they ended; each is returned to one caller.
std::vector<Task> fail_overdue(db::Transaction& tx);

/// Takes this start of the agent off the list.
void leave(db::Session& db, const Claimant& agent);

}  // namespace wrktalk::queue
