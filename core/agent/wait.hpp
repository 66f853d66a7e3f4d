// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/pulse.hpp"

#include <cerrno>
#include <poll.h>
#include <vector>

namespace wrktalk::agent {

/// Waits until `until`, driving the pulse. Throws what the pulse throws.
inline void wait(base::Pulse& pulse, base::Deadline until) {
  do {
    std::vector<pollfd> fds;
    const auto next = base::sooner(pulse.watch(fds), until);
    if (::poll(fds.data(), fds.size(), next.poll_timeout()) < 0 && errno != EINTR) {
      base::throw_errno(base::Kind::failed, "poll");
    }
    pulse.tick();
  } while (!until.passed());
}

}  // namespace wrktalk::agent
