// SPDX-License-Identifier: Apache-2.0
#include "core/agent/take_over.hpp"

#include "core/base/error.hpp"
#include "core/exec/fence.hpp"
#include "core/log/log.hpp"

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using Resume = Step::Resume;

/// A guard that outlived its agent on this machine is ended now; one elsewhere has ended itself before the lease was over. Throws lease_lost when
/// it cannot be ended: two tools must not work on one target.
void end_old_guard(TaskContext& context) {
  if (!context.claim.old_guard) return;
  const auto guard = exec::parse_process_id(*context.claim.old_guard);
  if (!exec::is_live_guard(guard, context.claim.task.id)) return;
  context.journal.note("take-over", "ending the tool that the last holder left behind");
  if (exec::end_guard(guard, std::chrono::seconds(10), context.claim.task.id)) return;
  throw Error(Kind::lease_lost, "the tool of the last holder, guarded by process " + std::to_string(guard.pid) +
                                    ", cannot be ended: the task waits for its lease");
}

/// Of what may run there: the tools that are asked from now on may print them.
void hide_secrets(TaskContext& context) {
  const auto& memory = context.memory;
  for (const auto& id : {memory.goal.artifact_id, memory.before ? memory.before->artifact_id : std::nullopt}) {
    if (id) with_database(context, [&] { context.store.hide_secrets_of(*id, context.lease); });
  }
}

bool runs_goal(const TaskContext& context, const deploy::Observed& observed) {
  return observed.state == deploy::Observed::State::running &&
         (!observed.version || observed.version == context.memory.goal.version);
}

/// What is there. helm puts no label on a rollback: one that is on its way to where this task was going is this task's.
deploy::Observed observe(TaskContext& context) {
  auto observed = context.deployer.observe(context.lease);
  const bool same_goal = observed.rolls_back_to && observed.rolls_back_to == context.memory.goal.revision;
  if (same_goal && context.claim.task.type == "rollback") observed.owner_task = context.claim.task.id;
  return observed;
}

Failure ended(const TaskContext& context, Kind kind, const char* message) {
  Failure failure;
  failure.kind = kind;
  failure.message = message;
  failure.left = touches_target(context.memory.reached) ? Left::dirty : Left::untouched;
  return failure;
}

/// With which row to go on. Steps before it are not repeated, as their work is seen on the target.
std::size_t resume_from(const TaskContext& context, const deploy::Observed& observed) {
  const auto row = context.memory.reached;
  const bool applied = steps()[row].resume != Resume::from_start;
  return applied && runs_goal(context, observed) ? row : 0;
}

/// What runs there although no holder of this task can have left it; empty when it may be this task's. A task leaves its goal, what ran
/// before, or something broken of the two: else somebody else was there since, or this database is older than the target.
std::string stranger(const TaskContext& context, const deploy::Observed& observed) {
  using State = deploy::Observed::State;
  const auto& before = context.memory.before->seen;
  if (before.state == deploy::Before::State::unknown || observed.state == State::absent) return {};
  const auto& version = observed.version;
  if (version && version != context.memory.goal.version && version != before.version) return "release " + *version;
  // helm counts: a holder makes a revision for the goal, one to put back, and one of each for what it found half done.
  constexpr long kRevisionsOfHolder = 4;
  const long most = before.revision.value_or(0) + kRevisionsOfHolder * context.claim.task.attempt;
  if (observed.revision && *observed.revision > most) return "revision " + std::to_string(*observed.revision);
  return {};
}

Failure meets_stranger(const TaskContext& context, const std::string& what) {
  const auto& memory = context.memory;
  Failure failure;
  failure.kind = Kind::failed;
  failure.left = Left::untouched;
  failure.message =
      "take-over: " + what + " runs there, which this task cannot have left (it goes from " +
      memory.before->seen.version.value_or("what ran before") + " to " + memory.goal.version.value_or("its goal") +
      "): nothing was touched; the target was changed since, or this database was restored and is older than it";
  failure.hint =
      "see what runs (`wrktalk status`); if the database was restored, docs/restore.md tells what comes next; deploy "
      "anew "
      "what is to run";
  return failure;
}

}  // namespace

Resumption take_over(TaskContext& context) {
  const bool to_record = steps()[context.memory.reached].resume == Resume::to_record;
  Resumption out;
  if (context.claim.give_up && !to_record) {
    out.failure = ended(context, Kind::failed, queue::kTimeoutMessage);
    const auto& data = context.memory.data;
    const bool migrated = !data.applied.empty() || !data.taken_down.empty();
    if (context.claim.exhausted && (out.failure->left == Left::dirty || migrated)) {
      out.failure->left = Left::not_put_back;
      out.failure->put_back_error = "putting it back was tried " + std::to_string(queue::kPutBackAttempts) +
                                    " times, and each time the agent did not live to record it";
    }
  } else if (context.claim.task.cancel_requested && !to_record) {
    out.failure = ended(context, Kind::cancelled, "cancelled by an operator");
  }
  if (context.claim.exhausted && to_record) {
    out.first = steps().size();
    return out;
  }
  if (out.failure || to_record) context.lease.ignore_requests();
  if (out.failure && out.failure->left != Left::dirty) return out;
  try {
    hide_secrets(context);
    end_old_guard(context);
    if (!context.memory.before) return out;  // no holder has touched anything
    // Before all else: what the row says of a target that has gone on without it must not be acted upon.
    context.deployer.preflight(context.lease);
    const auto observed = observe(context);
    context.journal.note("take-over", "found: " + observed.detail);
    if (const std::string what = stranger(context, observed); !what.empty()) {
      out.failure = meets_stranger(context, what);
      log::error("task.stranger", out.failure->message, {{"task_id", context.claim.task.id}});
      context.journal.note("take-over", out.failure->message);
      return out;
    }
    if (!out.failure) with_database(context, [&] { resolve(context); });
    out.first = out.failure ? 0 : resume_from(context, observed);
    if (out.first > 0) {
      context.applied = deploy::Applied{observed.revision, observed.detail};
    } else {
      context.deployer.recover(observed, context.lease);
    }
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || context.lease.ended_at_once()) throw;
    // The first step, or putting it back, meets the same trouble and reports it as any failure.
    log::warn("take-over.failed", e.what(), {{"task_id", context.claim.task.id}});
  }
  return out;
}

}  // namespace wrktalk::agent
