// SPDX-License-Identifier: Apache-2.0
#include "core/exec/signals.hpp"

#include "core/base/error.hpp"

#include <csignal>
#include <sys/signalfd.h>

namespace wrktalk::exec {

Signals::Signals() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ours, number);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  fd_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) base::throw_errno(base::Kind::failed, "cannot listen for signals");
}

int Signals::take() noexcept {
  signalfd_siginfo info{};
  const ssize_t n = ::read(fd_.get(), &info, sizeof info);
  return n == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace wrktalk::exec
