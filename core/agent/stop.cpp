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

}  // namespace wrktalk::agent
