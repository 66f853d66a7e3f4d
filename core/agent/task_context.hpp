// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/data_plan.hpp"
#include "core/agent/database_link.hpp"
#include "core/agent/journal.hpp"
#include "core/agent/lease.hpp"
#include "core/agent/task_memory.hpp"
#include "core/agent/task_store.hpp"
#include "core/base/backoff.hpp"
#include "core/log/log.hpp"
#include "core/observe/status.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::agent {

/// One task on its way from claim to record: what the steps share.
struct TaskContext {
  const queue::Claim& claim;
  const std::string& agent_id;
  bool webhook;  ///< the outbox has a row for it
  TaskStore& store;
  deploy::Deployer& deployer;
  AppDatabases& databases;
  Lease& lease;
  Journal& journal;
  observe::Status& status;
  bool foreground = false;  ///< whoever started the task is told by the command itself why it failed

  TaskMemory memory{};
  /// Written by the step named beside it:
  std::optional<artifact::Artifact> artifact{};  ///< resolve: the release that is to run
  std::optional<long> held_revision{};           ///< resolve: a revision that the target itself may still hold
  std::optional<deploy::Release> release{};      ///< fetch
  std::optional<deploy::Applied> applied{};      ///< apply
  std::optional<DataPlan> data{};                ///< check: what is to be done to the application's databases
  bool data_is_undone = false;                   ///< when the task failed
};

/// One row of the manual: what is done, how it is undone when a later step fails, and how whoever takes the task over goes on from it.
struct Step {
  enum class Touches { nothing, maintenance, databases, target };
  enum class Resume {
    from_start,  ///< the steps are repeated; what is half done on the target is ended first
    here,        ///< the release is applied: when it still runs, the task goes on with this step
    to_record,   ///< the same, and it was seen healthy: it is never applied again nor put back
  };
  const char* name;
  Touches touches;
  Resume resume;
  void (*run)(TaskContext&);
  void (*undo)(TaskContext&);                       ///< nullptr: nothing to undo
  bool (*is_needed)(const TaskContext&) = nullptr;  ///< nullptr: always; what is not needed is not begun
};

/// The flow of a deployment and of a rollback, in order. Recording and cleaning up follow whatever happens.
const std::vector<Step>& steps();
/// The row with this name; nothing when there is none.
std::optional<std::size_t> row_of(std::string_view name);
/// Whether a holder that has begun the row may have changed the target.
bool touches_target(std::size_t row);

/// What the release is and where it goes; what runs now is seen and written down, once. The first step, also of a take-over.
void resolve(TaskContext& context);
/// Puts back what ran before the task, the databases first. Throws deploy::StepError(not_put_back).
void put_back(TaskContext& context);

/// Does what needs the database, again after an outage, as long as nobody else has the task.
void with_database(TaskContext& context, const std::function<void()>& act);

}  // namespace wrktalk::agent
