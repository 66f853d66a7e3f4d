// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/pulse.hpp"

namespace wrktalk::agent {

/// The lease of the task that runs, as the working thread sees it: whoever waits or works for long drives this pulse.
///
/// `tick` throws lease_lost when another agent has the task, or when the lease has run out so that this cannot be ruled out; cancelled when
/// an operator asked for it; terminated or interrupted when the grace after a signal is over, and at a second signal.
class Lease : public base::Pulse {
 public:
  /// From now on the target is being put back, or the release was seen healthy: only a lost lease and a second signal throw.
  virtual void ignore_requests() noexcept = 0;
  /// From now on the outcome is being recorded: as after `ignore_requests`, and the database alone decides whose the task is.
  virtual void begin_record() noexcept = 0;

  /// Waits for the database until `until`. A lease that runs out meanwhile does not throw: nobody else may have taken the task.
  virtual void wait(base::Deadline until) = 0;
  /// Returns when the lease is valid, which after an outage takes until it was renewed. Throws what `wait` throws.
  virtual void regain() = 0;

  /// The fence has ended, or is about to end, the tool: the lease cannot be relied on for anything new.
  virtual bool fenced() const noexcept = 0;
  /// A second signal came.
  virtual bool ended_at_once() const noexcept = 0;
};

}  // namespace wrktalk::agent
