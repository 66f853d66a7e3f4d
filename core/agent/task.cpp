// SPDX-License-Identifier: Apache-2.0
#include "core/agent/task.hpp"

#include "core/agent/record.hpp"
#include "core/agent/take_over.hpp"
#include "core/agent/work.hpp"
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

/// A step while the database may be away: tried again as long as the lease lasts.
void run_with_database(Work& work, void (*act)(Work&)) {
  Backoff backoff;
  for (;;) {
    try {
      work.heart.tick();
      act(work);
      work.watch.status().database_answers();
      return;
    } catch (const Error& e) {
      if (!is_outage(e)) throw;
      work.link.drop();
      work.watch.status().database_is_away();
      if (backoff.tries() == 0) log::warn("database.away", e.what(), {{"task_id", work.claim.task.id}});
      base::pause(work.heart, base::Deadline::in(backoff.next()));
    }
  }
}

/// What the database knows is shown as of each step: a task may take long. No answer is no reason to fail.
void look(Work& work) {
  const auto questions = work.watch.questions();
  if (questions.empty()) return;
  try {
    work.watch.answers(queue::numbers(work.link.session(), questions));
  } catch (const Error& e) {
    log::debug("metrics.not_asked", e.what(), {{"task_id", work.claim.task.id}});
  }
}

/// Undoes the steps up to and with `reached`, backwards. What was not touched, or was put back already, is passed over.
void undo(Work& work, std::size_t reached, Failure& failure) {
  work.heart.begin_undo();
  for (std::size_t i = reached + 1; i-- > 0;) {
    const Step& step = steps()[i];
    if (step.undo == nullptr) continue;
    if (step.undo == put_back) {
      if (failure.state == State::put_back || failure.state == State::untouched) continue;
      if (failure.state == State::not_put_back) return;
    }
    try {
      run_with_database(work, step.undo);
      if (step.undo == put_back) failure.state = State::put_back;
    } catch (const Error& e) {
      if (e.kind() == Kind::lease_lost || work.heart.ended_at_once()) throw;
      failure.state = State::not_put_back;
      failure.put_back_error = e.what();
      work.journal.note("put-back", std::string("could not be put back: ") + e.what());
      return;
    }
  }
}

bool touches_target(std::size_t step) {
  for (std::size_t i = 0; i <= step; ++i) {
    if (steps()[i].undo == put_back) return true;
  }
  return false;
}

/// `reached`: the furthest step that was begun, by us or by a holder before us.
Failure failure_of(const Error& e, std::size_t step, std::size_t reached) {
  Failure failure;
  failure.kind = e.kind();
  failure.message = std::string(steps()[step].name) + ": " + e.what();
  failure.hint = e.hint();
  failure.state = touches_target(reached) ? State::dirty : State::untouched;
  if (const auto* failed = dynamic_cast<const StepError*>(&e)) {
    failure.evidence = failed->evidence();
    switch (failed->left()) {
      case StepError::Left::untouched: failure.state = State::untouched; break;
      case StepError::Left::put_back: failure.state = State::put_back; break;
      case StepError::Left::not_put_back: failure.state = State::not_put_back; break;
      case StepError::Left::dirty: failure.state = State::dirty; break;
    }
  }
  return failure;
}

/// Runs the steps from `first` on. Nothing when all went well.
std::optional<Failure> run_steps(Work& work, std::size_t first) {
  for (std::size_t i = first; i < steps().size(); ++i) {
    const Step& step = steps()[i];
    try {
      const observe::Stopwatch stopwatch(work.watch.status().phases[step.name]);
      work.journal.note(step.name, "begins");
      base::crash_point(step.name);
      look(work);
      run_with_database(work, step.run);
    } catch (const Error& e) {
      if (e.kind() == Kind::lease_lost || work.heart.ended_at_once()) throw;
      // The fence has ended the tool: whoever gets the lease next goes on from what is really there.
      if (work.heart.fenced()) throw Error(Kind::lease_lost, "the lease is nearly over and cannot be renewed");
      const std::size_t reached = std::max(i, work.begun);
      Failure failure = failure_of(e, i, reached);
      log::error("task.failed", failure.message, {{"task_id", work.claim.task.id}, {"step", step.name}});
      work.journal.note(step.name, "failed: " + std::string(e.what()));
      undo(work, reached, failure);
      return failure;
    }
  }
  return std::nullopt;
}

TaskResult conclude(Work& work, Stop& stop, Mode mode, const std::optional<Failure>& failure) {
  if (failure && failure->kind != Kind::cancelled && failure->on_request() && failure->state != State::not_put_back &&
      mode == Mode::daemon) {
    return give_back(work, stop);
  }
  return record_outcome(work, stop, failure);
}

}  // namespace

TaskResult run_task(const Settings& settings, Link& link, Stop& stop, const queue::Claim& claim, Mode mode,
                    Watch& watch, base::Pulse& meanwhile) {
  TaskResult result;
  try {
    exec::Fence fence([&](const exec::ProcessId& guard) { record_guard(link, claim, guard); });
    Heart heart(settings.heartbeat_interval, settings.lease(), claim, fence, link, stop, watch.status(), meanwhile);
    Journal journal(link, claim);
    const auto target = deploy::parse_target(claim.target);
    const auto deployer = deploy::make_deployer(target, settings.deploy, claim.task.id, fence,
                                                [&journal](const std::string& line) { journal.keep_output(line); });
    Work work{settings, link, heart, journal, claim, target, *deployer, watch, meanwhile};
    log::info("task.claimed",
              claim.task.type + (claim.task.version ? " of " + *claim.task.version : "") + " on " + claim.target,
              {{"task_id", claim.task.id}, {"attempt", std::to_string(claim.task.attempt)}});
    base::crash_point("claim");
    if (claim.give_up) {
      result = record_outcome(work, stop, give_up(work));
    } else {
      const std::size_t first = claim.taken_over ? take_over(work) : 0;
      result = conclude(work, stop, mode, run_steps(work, first));
    }
    tidy(work);
  } catch (const Error& e) {
    result.end = e.kind() == Kind::lease_lost ? TaskResult::End::lost : TaskResult::End::abandoned;
    result.exit_code = base::exit_code(e.kind());
    result.message = e.what();
    result.hint = e.hint();
    log::error(result.end == TaskResult::End::lost ? "task.lost" : "task.abandoned", e.what(),
               {{"task_id", claim.task.id}});
  }
  return result;
}

}  // namespace wrktalk::agent
