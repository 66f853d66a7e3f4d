// SPDX-License-Identifier: Apache-2.0
#include "core/agent/data_steps.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using Numbers = std::vector<std::int64_t>;

void remember(TaskContext& context) {
  auto& memory = context.memory;
  context.store.remember({queue::to_json(memory.goal), to_json(*memory.before, memory.data), {}});
}

void add(Numbers& to, const Numbers& more) {
  for (const auto number : more) {
    if (std::find(to.begin(), to.end(), number) == to.end()) to.push_back(number);
  }
}

AppDatabases::Tell tell(TaskContext& context, const char* phase) {
  return [&context, phase](const std::string& line) { context.journal.note(phase, line); };
}

std::optional<artifact::Artifact> what_ran(TaskContext& context) {
  const auto& before = context.memory.before;
  if (!before || !before->artifact_id) return std::nullopt;
  return context.store.find_artifact(*before->artifact_id, context.lease);
}

/// The migrations of a release that may lie nowhere unpacked.
std::optional<Migrations> stored(TaskContext& context, const artifact::Artifact& artifact) {
  const auto asked = manifest_of(artifact).migrations;
  if (!asked) return std::nullopt;
  return context.databases.read(context.store.tree_apart(artifact, context.lease), *asked);
}

/// Leaves the migrations of `goal` that the task applied. Throws Error when what ran before does not run on them.
void leave_applied(TaskContext& context, const artifact::Artifact& goal, const std::string& database) {
  using State = deploy::Before::State;
  const auto& before = context.memory.before;
  const auto migrations = stored(context, goal);
  std::vector<const migrate::Migration*> incompatible;
  for (const auto& one : migrations->set.migrations) {
    const auto& applied = context.memory.data.applied;
    if (one.up.incompatible && std::find(applied.begin(), applied.end(), one.number) != applied.end())
      incompatible.push_back(&one);
  }
  // It is asked only where the answer counts: that it is away may be why the release is not well.
  if (!incompatible.empty() && before && before->seen.state != State::nothing) {
    const auto there = context.databases.ledger(*migrations, context.lease).numbers;
    const auto bad = std::find_if(incompatible.begin(), incompatible.end(), [&](const auto* one) {
      return std::find(there.begin(), there.end(), one->number) != there.end();
    });
    if (bad != incompatible.end()) {
      throw base::Error(base::Kind::failed,
                        "database " + database + " has " + (*bad)->label + " (" + (*bad)->name + ") of " +
                            goal.version + ", and " + (*bad)->up.file + " says that older releases do not run on it",
                        "put a backup of it back, or deploy a release that runs on it");
    }
  }
  context.journal.note("put-back", "the migrations of " + goal.version + " that were applied to database " + database +
                                       " stay: on-rollback is keep");
}

void take_back_applied(TaskContext& context) {
  const auto& numbers = context.memory.data.applied;
  const auto goal = context.store.find_artifact(context.memory.goal.artifact_id.value(), context.lease);
  const auto asked = manifest_of(goal).migrations;
  if (!asked) return;
  if (asked->on_rollback == "keep") return leave_applied(context, goal, asked->database);
  context.databases.down(*stored(context, goal), numbers, tell(context, "put-back"), context.lease);
}

void bring_again(TaskContext& context) {
  const auto ran = what_ran(context);
  const auto migrations = ran ? stored(context, *ran) : std::nullopt;
  if (!migrations) throw base::Error(base::Kind::failed, "the migrations of what ran before are no longer stored");
  context.databases.up(*migrations, tell(context, "put-back"), context.lease);
}

}  // namespace

void plan_data(TaskContext& context) {
  const auto& seen = context.memory.before->seen;
  const bool back = goes_back(context.claim.task.type == "rollback", context.artifact->version, seen.version);
  const auto ran = back ? what_ran(context) : std::nullopt;
  const bool accepts_loss = queue::parse_payload(context.claim.task.payload).accept_loss;
  const DataQuestion question{
      *context.artifact, context.release ? context.release->tree : std::string(), ran, accepts_loss,
      [&](const artifact::Artifact& one) { return context.store.tree_apart(one, context.lease); }};
  context.data = plan_of(context.databases, question, context.lease);
  for (const auto& remark : context.data->remarks) context.journal.note("check", remark);
}

bool needs_backup(const TaskContext& context) { return context.data && !context.data->backups.empty(); }

void back_up(TaskContext& context) {
  auto& made = context.memory.data.backups;
  for (const auto& database : context.data->backups) {
    const auto before = made.find(database);
    if (before != made.end() && context.databases.is_there(before->second)) continue;
    made[database] = context.databases.back_up(database, context.lease);
    remember(context);
    context.journal.note("backup", "database " + database + " is backed up, read whole: " + made[database]);
    base::crash_point("backed-up");
  }
}

bool needs_migrations(const TaskContext& context) { return context.data && context.data->migrates(); }

void migrate_data(TaskContext& context) {
  const auto& plan = *context.data;
  add(context.memory.data.applied, plan.pending);
  add(context.memory.data.taken_down, plan.to_undo);
  remember(context);
  base::crash_point("migrate-noted");
  if (plan.back) context.databases.down(*plan.back, plan.to_undo, tell(context, "migrate"), context.lease);
  if (!plan.pending.empty()) context.databases.up(*plan.migrations, tell(context, "migrate"), context.lease);
  base::crash_point("migrated");
}

void undo_data(TaskContext& context) {
  const auto& data = context.memory.data;
  if (context.data_is_undone) return;
  if (!data.applied.empty()) take_back_applied(context);
  if (!data.taken_down.empty()) bring_again(context);
  context.data_is_undone = true;
}

}  // namespace wrktalk::agent
