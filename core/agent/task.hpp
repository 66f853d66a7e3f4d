// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/link.hpp"
#include "core/agent/settings.hpp"
#include "core/agent/stop.hpp"
#include "core/agent/watch.hpp"
#include "core/base/exit_code.hpp"
#include "core/base/pulse.hpp"
#include "core/queue/claim.hpp"

#include <string>

namespace wrktalk::agent {

/// How a claimed task left our hands.
struct TaskResult {
  enum class End {
    recorded,   ///< it has ended and the database says so
    released,   ///< pending again, the target as it was before
    lost,       ///< its lease ran out or went to somebody else
    abandoned,  ///< ended by a second signal: its lease covers it
  };
  End end = End::recorded;
  queue::Status status = queue::Status::failed;       ///< recorded
  base::ExitCode exit_code = base::ExitCode::failed;  ///< what a command in the foreground exits with
  std::string message;
  std::string hint;
};

/// Who a task that is stopped by a signal goes back to.
enum class Mode {
  daemon,      ///< pending again: another agent, or this one after its restart, takes it
  foreground,  ///< cancelled: whoever started it pressed ^C
};

/// Takes a claimed task through all steps to its record, puts the target back when one fails, and cleans up. Never throws for what goes
/// wrong with the task; throws only what is a defect. `meanwhile` goes on all the time; what happens is counted in `watch`'s status.
TaskResult run_task(const Settings& settings, Link& link, Stop& stop, const queue::Claim& claim, Mode mode,
                    Watch& watch, base::Pulse& meanwhile);

}  // namespace wrktalk::agent
