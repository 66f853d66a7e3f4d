// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/agent/stop.hpp"
#include "core/agent/task.hpp"
#include "core/base/exit_code.hpp"
#include "core/queue/claim.hpp"

#include <string>

/// One task from claim to record, and the loop around it.
namespace wrktalk::agent {

struct Summary {
  int completed = 0;
  int failed = 0;
  /// The exit code of the last task that did not complete, else `done`.
  base::ExitCode exit_code = base::ExitCode::done;
};

/// Claims and runs one due task. `completed` and `failed` are zero when there was none.
Summary poll_once(const Settings& settings, Stop& stop);

/// Runs all due tasks, then returns. A task that fails does not stop the others.
Summary drain(const Settings& settings, Stop& stop);

/// The daemon: until it is asked to end. Survives the database; throws only for a configuration that cannot work (wrong password, old schema, a
/// host root that belongs to another target, an agent id that another live daemon has) at its first connection.
void loop(const Settings& settings, Stop& stop);

/// A task made and run here and now, under the same claim, so that no daemon takes it away. ^C puts the target back and cancels it.
/// Throws Error(busy) when the target is taken.
TaskResult run_now(const Settings& settings, Stop& stop, const queue::NewTask& task);

/// Sends what is due in the outbox, as far as that goes in some seconds; the rest is for the daemon. For a command in the foreground, after
/// its task.
void deliver_news(const Settings& settings, Stop& stop) noexcept;

/// Makes the targets known and returns who claims. For commands that queue a task before any agent ran.
queue::Claimant sign_in(db::Session& db, const Settings& settings);

}  // namespace wrktalk::agent
