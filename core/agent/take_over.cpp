// SPDX-License-Identifier: Apache-2.0
#include "core/agent/take_over.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <string_view>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;

/// A guard that outlived its agent on this machine is ended now; one elsewhere has ended itself before the lease was over.
void end_old_guard(Work& work) {
  if (!work.claim.old_guard) return;
  const auto guard = exec::parse_process_id(*work.claim.old_guard);
  if (!exec::is_running_here(guard)) return;
  work.journal.note("take-over", "ending the tool that the last holder left behind");
  exec::end_guard(guard, std::chrono::seconds(10));
}

std::size_t row_of(std::string_view name) {
  std::size_t row = 0;
  while (row < steps().size() && name != steps()[row].name) ++row;
  return row;
}

/// How far the last holder may have come: a phase that is no step, such as an undoing that was cut short, may come after any.
std::size_t reached(const std::optional<std::string>& old_phase) {
  if (!old_phase || *old_phase == "claim") return 0;
  return std::min(row_of(*old_phase), steps().size() - 1);
}

/// The last holder had seen the target healthy, and the target still runs that release.
bool only_record_is_missing(const Work& work, const deploy::Observed& observed) {
  const bool was_healthy = work.claim.old_phase == "maintenance-off" || work.claim.old_phase == "record";
  return was_healthy && observed.state == deploy::Observed::State::running &&
         (!observed.version || observed.version == work.artifact->version);
}

/// What is there. helm puts no label on a rollback: one that is on its way to where this task was going is this task's.
deploy::Observed observe(Work& work) {
  auto observed = work.deployer.observe(work.heart);
  const bool same_goal = observed.rolls_back_to && observed.rolls_back_to == work.held_revision;
  if (same_goal && work.claim.task.type == "rollback") observed.owner_task = work.claim.task.id;
  return observed;
}

}  // namespace

std::size_t take_over(Work& work) {
  work.begun = reached(work.claim.old_phase);
  try {
    end_old_guard(work);
    resolve(work);
    const auto observed = observe(work);
    work.journal.note("take-over", "found: " + observed.detail);
    if (only_record_is_missing(work, observed)) {
      work.applied = deploy::Applied{observed.revision, observed.detail};
      return row_of("maintenance-off");
    }
    work.deployer.recover(observed, work.heart);
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost) throw;
    // The first step meets the same trouble and reports it as any failure.
    log::warn("take-over.failed", e.what(), {{"task_id", work.claim.task.id}});
  }
  return 0;
}

Failure give_up(Work& work) {
  Failure failure;
  failure.kind = Kind::failed;
  failure.message = queue::kTimeoutMessage;
  failure.state = State::put_back;
  work.heart.begin_undo();
  try {
    end_old_guard(work);
    resolve(work);
    work.deployer.recover(observe(work), work.heart);
    put_back(work);
    leave_maintenance(work);
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost) throw;
    failure.state = State::not_put_back;
    failure.put_back_error = e.what();
    failure.hint = e.hint();
  }
  return failure;
}

}  // namespace wrktalk::agent
