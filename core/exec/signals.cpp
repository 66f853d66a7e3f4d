// SPDX-License-Identifier: Apache-2.0
#include "core/exec/signals.hpp"

#include "core/base/error.hpp"
#include "core/exec/child.hpp"

#include <csignal>
#include <sys/prctl.h>
#include <sys/signalfd.h>

namespace wrktalk::exec {

Signals::Signals() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&ours, number);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  fd_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) base::throw_errno(base::Kind::failed, "cannot listen for signals");
}

int Signals::take() noexcept {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) return static_cast<int>(info.ssi_signo);
    child_ended_ = true;
  }
  if (child_ended_ && reap_orphans()) child_ended_ = false;
  return 0;
}

}  // namespace wrktalk::exec
