// SPDX-License-Identifier: Apache-2.0
#include "core/agent/schema.hpp"
#include "core/agent/task_context.hpp"
#include "core/base/error.hpp"

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using State = deploy::Before::State;

/// What runs on the target, and what that says of its record: somebody may have changed it behind our back (helm rollback, a link, compose
/// down). What really runs is what counts.
struct Seen {
  WhatRan before;
  std::optional<queue::Correction> correction;
};

Seen look_at_target(TaskContext& context, const queue::TargetRow& row) {
  Seen seen;
  auto& before = seen.before;
  before.seen = with_way_back(context.deployer.before(context.lease), row);
  const auto& now = before.seen;
  check_way_back(now, row);
  const std::string recorded = row.current_version.value_or("nothing");
  if (now.state == State::nothing && row.current_artifact_id) {
    context.journal.note("resolve", recorded + " was recorded, but nothing runs there: " + now.detail);
    seen.correction = queue::Correction{};
  } else if (now.state == State::running && now.version && now.version != row.current_version) {
    before.artifact_id = context.store.artifact_of_version(*now.version);
    context.journal.note("resolve", recorded + " was recorded, but " + *now.version + " runs there: " + now.detail);
    if (before.artifact_id) seen.correction = queue::Correction{before.artifact_id, now.revision};
  } else if (now.state == State::running) {
    before.artifact_id = row.current_artifact_id;
    if (now.revision != row.revision) seen.correction = queue::Correction{row.current_artifact_id, now.revision};
  } else if (now.state == State::unknown) {
    context.journal.note("resolve", "what runs there cannot be put back should this task fail: " + now.detail);
  }
  return seen;
}

/// A release that cannot run on the schema is refused before anything is touched.
void check_schema(TaskContext& context) {
  const std::string problem = context.store.schema_problem(*context.artifact, context.lease);
  if (problem.empty()) return;
  if (!queue::parse_payload(context.claim.task.payload).ignore_schema) {
    throw Error(Kind::artifact, "release " + context.artifact->version + " cannot run on the schema: " + problem,
                kSchemaHint);
  }
  context.journal.note("resolve", "the schema does not fit, and is ignored as asked: " + problem);
}

/// Nothing is touched for what the release does not upgrade.
void check_way_up(TaskContext& context) {
  if (context.claim.task.type != "deploy" || !context.memory.before) return;
  const WayUp way = context.store.way_up(*context.artifact, context.memory.before->seen, context.lease);
  if (!way.problem.empty()) throw Error(Kind::artifact, way.problem, way.hint);
}

}  // namespace

void resolve(TaskContext& context) {
  check_type(context.claim.task);
  auto& memory = context.memory;
  const auto row = context.store.target();
  context.deployer.preflight(context.lease);
  if (memory.before && memory.goal.artifact_id) {
    context.artifact = context.store.find_artifact(*memory.goal.artifact_id, context.lease);
    if (context.deployer.revisions() != nullptr) context.held_revision = memory.goal.revision;
  } else {
    // The goal first: what "previous" means does not change by what the look at the target corrects.
    const ResolvedRelease goal = context.store.find_goal(memory.goal, row, context.deployer, context.lease);
    manifest_of(goal.artifact);  // what wants a newer agent is refused before anything is looked at
    const Seen seen = look_at_target(context, row);
    if (!goal.remark.empty()) context.journal.note("resolve", goal.remark);
    context.artifact = goal.artifact;
    context.held_revision = goal.held_revision;
    memory.goal = {goal.artifact.id, goal.artifact.version, goal.held_revision};
    context.store.remember({queue::to_json(memory.goal), to_json(seen.before, {}), seen.correction});
    memory.before = seen.before;
  }
  check_way_up(context);
  check_schema(context);
}

}  // namespace wrktalk::agent
