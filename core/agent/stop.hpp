// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/exec/signals.hpp"

#include <chrono>
#include <poll.h>
#include <vector>

namespace wrktalk::agent {

/// SIGTERM and SIGINT as the agent understands them: the first asks it to take no new task and to end the running one within `grace`,
/// the second to end at once and leave the task to its lease.
class Stop {
 public:
  Stop(exec::Signals& signals, std::chrono::milliseconds grace) : signals_(signals), grace_(grace) {}

  void watch(std::vector<pollfd>& fds) const { fds.push_back({signals_.fd(), POLLIN, 0}); }
  /// Reads what has arrived; never blocks.
  void poll() noexcept;

  bool requested() const noexcept { return count_ > 0; }
  bool at_once() const noexcept { return count_ > 1; }
  /// When a running task's time is over; never, as long as nothing was requested.
  base::Deadline deadline() const noexcept { return deadline_; }
  /// `interrupted` or `terminated`, for the exit code of a command in the foreground.
  base::Kind kind() const noexcept { return kind_; }

 private:
  exec::Signals& signals_;
  std::chrono::milliseconds grace_;
  int count_ = 0;
  base::Kind kind_ = base::Kind::terminated;
  base::Deadline deadline_ = base::Deadline::never();
};

/// Ends a delivery, or work at a proxy: at the first signal in the foreground, at one more than were there before.
class StopPulse : public base::Pulse {
 public:
  /// Both outlive the pulse. `meanwhile` goes on.
  StopPulse(Stop& stop, base::Pulse& meanwhile)
      : stop_(stop), meanwhile_(meanwhile), was_requested_(stop.requested()) {}
  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

 private:
  Stop& stop_;
  base::Pulse& meanwhile_;
  bool was_requested_;
};

}  // namespace wrktalk::agent
