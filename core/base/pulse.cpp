// SPDX-License-Identifier: Apache-2.0
#include "core/base/pulse.hpp"

#include "core/base/error.hpp"

#include <cerrno>

namespace wrktalk::base {

void pause(Pulse& pulse, Deadline until) {
  while (!until.passed()) {
    std::vector<pollfd> fds;
    const Deadline next = sooner(pulse.watch(fds), until);
    if (::poll(fds.data(), fds.size(), next.poll_timeout()) < 0 && errno != EINTR) throw_errno(Kind::failed, "poll");
    pulse.tick();
  }
}

}  // namespace wrktalk::base
