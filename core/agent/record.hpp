// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/task.hpp"
#include "core/agent/work.hpp"
#include "core/base/error.hpp"

#include <optional>
#include <string>

namespace wrktalk::agent {

/// What a failed task left on its target.
enum class State { untouched, put_back, dirty, not_put_back };

struct Failure {
  base::Kind kind = base::Kind::failed;
  State state = State::dirty;  ///< `dirty` only until it was undone
  std::string message;         ///< "STEP: what"
  std::string hint;
  std::string evidence;        ///< redacted, bounded
  std::string put_back_error;  ///< not_put_back: why

  /// An operator or a signal asked for it to end.
  bool on_request() const noexcept {
    return kind == base::Kind::cancelled || kind == base::Kind::interrupted || kind == base::Kind::terminated;
  }
};

/// Status, result, flags, the target's row and the outbox in one transaction, tried until the database is back. Throws lease_lost, or the
/// signal's error after a second signal.
TaskResult record_outcome(Work& work, Stop& stop, const std::optional<Failure>& failure);

/// Fails the tasks that nobody will run any more and queues the admins' notification, in one transaction.
void end_overdue(db::Session& db, bool webhook);

/// Makes the task pending again: it was stopped by a signal and the target is as it was.
TaskResult give_back(Work& work, Stop& stop);

/// Keeps who guards the tool; while the database is away the lease alone has to do.
void record_guard(Link& link, const queue::Claim& claim, const exec::ProcessId& guard);

/// Removes trees that neither the current nor the previous release needs, unless another task runs on the target by now: that one will.
/// Never throws.
void tidy(Work& work) noexcept;

}  // namespace wrktalk::agent
