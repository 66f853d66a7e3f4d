// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/app_databases.hpp"
#include "core/agent/lease.hpp"
#include "core/agent/stop.hpp"
#include "core/agent/task_store.hpp"
#include "core/base/exit_code.hpp"
#include "core/base/pulse.hpp"
#include "core/deploy/deployer.hpp"
#include "core/observe/status.hpp"
#include "core/queue/claim.hpp"

#include <functional>
#include <string>

namespace wrktalk::agent {

class Journal;

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

/// Who a task goes back to that is stopped by a signal, or whose target is busy with somebody else's operation.
enum class Mode {
  daemon,      ///< pending again: another agent, or this one later, takes it
  foreground,  ///< it ends: whoever started it is there
};

/// A claimed task and all that it needs. Everything outlives the run.
struct TaskParts {
  const queue::Claim& claim;
  Mode mode;
  const std::string& agent_id;
  bool webhook;
  TaskStore& store;
  deploy::Deployer& deployer;
  AppDatabases& databases;
  Lease& lease;
  Journal& journal;
  Stop& stop;
  observe::Status& status;
  base::Pulse& afterwards;              ///< goes on while the task is cleaned up after
  std::function<void()> between_steps;  ///< may be empty; must not throw
};

/// Takes a claimed task through all steps to its record, puts the target back when one fails, and cleans up. Never throws for what goes
/// wrong with the task; throws only what is a defect.
TaskResult run_task(const TaskParts& parts);

}  // namespace wrktalk::agent
