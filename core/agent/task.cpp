// SPDX-License-Identifier: Apache-2.0
#include "core/agent/task.hpp"

#include "core/agent/record.hpp"
#include "core/agent/take_over.hpp"
#include "core/agent/task_context.hpp"
#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <optional>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using deploy::StepError;

/// A task whose target is busy with somebody else's operation is not claimed again for this long.
constexpr std::chrono::seconds kBusyPause{15};

/// Undoes the steps up to and with `reached`, backwards. What was not touched, or was put back already, is passed over.
void undo(TaskContext& context, Failure& failure) {
  context.lease.ignore_requests();
  for (std::size_t i = context.memory.reached + 1; i-- > 0;) {
    const Step& step = steps()[i];
    if (step.undo == nullptr) continue;
    const bool of_target = step.touches == Step::Touches::target;
    const bool of_data = step.touches == Step::Touches::databases;
    if (of_target && failure.left != Left::dirty) {
      if (failure.left == Left::not_put_back) return;
      continue;
    }
    try {
      with_database(context, [&] { step.undo(context); });
      if (of_target) failure.left = Left::put_back;
    } catch (const Error& e) {
      if (e.kind() == Kind::lease_lost || context.lease.ended_at_once()) throw;
      if (!of_target && !of_data) {
        // The target is as it should be; the site's maintenance is taken down by the daemon's next look.
        log::error("maintenance.stuck", e.what(), {{"task_id", context.claim.task.id}, {"hint", e.hint()}});
        continue;
      }
      failure.left = Left::not_put_back;
      failure.put_back_error = e.what();
      context.journal.note("put-back", std::string("could not be put back: ") + e.what());
      return;
    }
  }
}

/// `touched_before`: a holder before us, or a step before this one, may have changed the target.
Failure failure_of(const Error& e, const Step& step, bool touched_before) {
  Failure failure;
  failure.kind = e.kind();
  failure.message = std::string(step.name) + ": " + e.what();
  failure.hint = e.hint();
  failure.left = touched_before || step.touches == Step::Touches::target ? Left::dirty : Left::untouched;
  if (e.kind() == Kind::busy && !touched_before) failure.left = Left::untouched;
  if (const auto* failed = dynamic_cast<const StepError*>(&e)) {
    failure.evidence = failed->evidence();
    // What one step left untouched, an earlier holder may have changed.
    const bool of_this_step = failed->left() == Left::untouched || failed->left() == Left::put_back;
    if (!of_this_step || !touched_before) failure.left = failed->left();
  }
  return failure;
}

/// Runs the steps from `first` on. Nothing when all went well.
std::optional<Failure> run_steps(TaskContext& context, std::size_t first, const TaskParts& parts) {
  for (std::size_t i = first; i < steps().size(); ++i) {
    const Step& step = steps()[i];
    if (step.is_needed != nullptr && !step.is_needed(context)) continue;
    const bool touched_before = touches_target(context.memory.reached);
    // The release runs and is well: nothing that fails or is asked for from now on is a reason to put it back.
    const bool healthy = step.resume == Step::Resume::to_record;
    if (healthy) context.lease.ignore_requests();
    try {
      const observe::Stopwatch stopwatch(context.status.phases[step.name]);
      with_database(context, [&] {
        const auto reached = std::max(context.memory.reached, i);
        context.store.begin_step(step.name, steps()[reached].name);
        context.memory.reached = reached;
      });
      context.journal.note(step.name, "begins");
      base::crash_point(step.name);
      if (parts.between_steps) parts.between_steps();
      with_database(context, [&] { step.run(context); });
    } catch (const Error& e) {
      if (e.kind() == Kind::lease_lost || context.lease.ended_at_once()) throw;
      // The fence has ended the tool: whoever gets the lease next goes on from what is really there.
      if (context.lease.fenced()) throw Error(Kind::lease_lost, "the lease is nearly over and cannot be renewed");
      if (healthy) {
        log::error("task.not_finished", std::string(step.name) + ": " + e.what(),
                   {{"task_id", context.claim.task.id}, {"hint", e.hint()}});
        context.journal.note(step.name, std::string("could not be done: ") + e.what());
        continue;
      }
      Failure failure = failure_of(e, step, touched_before);
      log::error("task.failed", context.foreground ? std::string(step.name) + " has failed" : failure.message,
                 {{"task_id", context.claim.task.id}, {"step", step.name}});
      context.journal.note(step.name, "failed: " + std::string(e.what()));
      undo(context, failure);
      return failure;
    }
  }
  return std::nullopt;
}

TaskResult conclude(TaskContext& context, const TaskParts& parts, const std::optional<Failure>& failure) {
  if (failure && parts.mode == Mode::daemon && failure->left != Left::not_put_back) {
    if (failure->kind == Kind::terminated || failure->kind == Kind::interrupted) {
      return give_back(context, "the agent was asked to end", {}, base::exit_code(failure->kind));
    }
    if (failure->kind == Kind::busy && failure->left == Left::untouched) {
      return give_back(context, failure->message, kBusyPause, base::ExitCode::busy);
    }
  }
  return record_outcome(context, failure);
}

TaskResult run(TaskContext& context, const TaskParts& parts) {
  const auto& task = context.claim.task;
  log::info("task.claimed", task.type + (task.version ? " of " + *task.version : "") + " on " + context.claim.target,
            {{"task_id", task.id}, {"attempt", std::to_string(task.attempt)}});
  context.journal.note("claim", (context.claim.taken_over ? "taken over by " : "claimed by ") + context.agent_id);
  base::crash_point("claim");
  if (!context.claim.taken_over) return conclude(context, parts, run_steps(context, 0, parts));
  auto resumption = take_over(context);
  if (!resumption.failure) return conclude(context, parts, run_steps(context, resumption.first, parts));
  // After too many attempts only the record counts: a window that is still open is closed by the daemon's next look.
  if (!context.claim.exhausted) undo(context, *resumption.failure);
  return record_outcome(context, resumption.failure);
}

}  // namespace

TaskResult run_task(const TaskParts& parts) {
  TaskContext context{parts.claim,     parts.agent_id, parts.webhook, parts.store,  parts.deployer,
                      parts.databases, parts.lease,    parts.journal, parts.status, parts.mode == Mode::foreground};
  context.memory = memory_of(parts.claim);
  TaskResult result;
  try {
    result = run(context, parts);
    tidy(context, parts.afterwards);
  } catch (const Error& e) {
    result.end = e.kind() == Kind::lease_lost ? TaskResult::End::lost : TaskResult::End::abandoned;
    result.exit_code = base::exit_code(e.kind());
    result.message = e.what();
    result.hint = e.hint();
    log::error(result.end == TaskResult::End::lost ? "task.lost" : "task.abandoned", e.what(),
               {{"task_id", parts.claim.task.id}});
  }
  return result;
}

}  // namespace wrktalk::agent
