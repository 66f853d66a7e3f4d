// SPDX-License-Identifier: Apache-2.0
#include "core/agent/stop.hpp"

#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <csignal>

namespace wrktalk::agent {

void Stop::poll() noexcept {
  while (const int signal = signals_.take()) {
    if (signal != SIGTERM && signal != SIGINT) continue;
    ++count_;
    if (count_ == 1) {
      kind_ = signal == SIGINT ? base::Kind::interrupted : base::Kind::terminated;
      deadline_ = base::Deadline::in(grace_);
      log::info("agent.stopping", "asked to end: no new task; a running one has " + base::human_duration(grace_));
    } else if (count_ == 2) {
      log::warn("agent.stopping", "asked again: ending now, a running task is left to its lease");
    }
  }
}

base::Deadline StopPulse::watch(std::vector<pollfd>& fds) {
  stop_.watch(fds);
  return meanwhile_.watch(fds);
}

void StopPulse::tick() {
  stop_.poll();
  meanwhile_.tick();
  if (was_requested_ ? stop_.at_once() : stop_.requested()) throw base::Error(stop_.kind(), "asked to end");
}

}  // namespace wrktalk::agent
