// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/link.hpp"
#include "core/agent/stop.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/exec/fence.hpp"
#include "core/observe/status.hpp"
#include "core/queue/claim.hpp"

#include <chrono>
#include <string>

namespace wrktalk::agent {

/// What goes on while a task runs: the heartbeat on a connection of its own, the fence, signals, a request to cancel, and `meanwhile`, whose
/// tick must not throw.
///
/// `tick` throws lease_lost when the task is not ours any more or can no longer be proven to be (the database is away and the
/// lease nearly over), cancelled when an operator asked for it, terminated or interrupted when the grace after a signal is over.
class Heart : public base::Pulse {
 public:
  Heart(std::chrono::milliseconds interval, std::chrono::milliseconds lease, const queue::Claim& claim,
        exec::Fence& fence, Link& link, Stop& stop, observe::Status& status, base::Pulse& meanwhile);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

  /// From now on the target is being put back: only a lost lease and a second signal throw.
  void begin_undo() noexcept { undoing_ = true; }

  /// The fence has ended, or is about to end, the tool: the lease cannot be relied on for anything new.
  bool fenced() const noexcept { return fence_.term_at().passed(); }
  bool ended_at_once() const noexcept { return stop_.at_once(); }

 private:
  void beat();
  void answer();
  void broken();
  void late() noexcept;

  std::chrono::milliseconds interval_;
  std::chrono::milliseconds lease_;
  const queue::Claim& claim_;
  exec::Fence& fence_;
  Link& link_;
  Stop& stop_;
  observe::Status& status_;
  base::Pulse& meanwhile_;
  db::raw::AsyncConnection connection_;
  Backoff backoff_;
  base::BootClock::time_point asked_at_;    ///< of the heartbeat under way
  base::BootClock::time_point renewed_at_;  ///< of the last one that was answered
  base::Deadline next_ = base::Deadline::never();
  base::Deadline answer_by_ = base::Deadline::never();
  bool cancel_ = false;
  bool lost_ = false;
  bool undoing_ = false;
};

}  // namespace wrktalk::agent
