// SPDX-License-Identifier: Apache-2.0
#include "core/db/blocking_call.hpp"

#include "core/base/error.hpp"

#include <openssl/crypto.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace wrktalk::db {
namespace {

using base::Error;
using base::Kind;

/// A resolver may hang for ever, and whoever tries again and again must not fill the memory with threads.
constexpr int kMostAtOnce = 32;

std::atomic<int> under_way{0};

void leave_at_once(int exit_code, void*) {
  if (under_way == 0) return;
  std::fflush(stdout);
  ::_exit(exit_code);
}

/// OpenSSL frees at exit what a call under way may use. Handlers run in reverse order: ours is registered after
/// OpenSSL's.
void prepare_exit() {
  static const int registered = [] {
    ::OPENSSL_init_crypto(0, nullptr);
    return ::on_exit(leave_at_once, nullptr);
  }();
  static_cast<void>(registered);
}

}  // namespace

std::thread start_thread(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread thread;
  int error = 0;
  try {
    thread = std::thread(std::move(work));
  } catch (const std::system_error& e) {
    error = e.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  if (error != 0) base::throw_errno(Kind::connection_lost, "cannot start a thread", "raise the limit of processes");
  return thread;
}

BlockingCall::BlockingCall(std::function<void()> work) : state_(std::make_shared<State>()) {
  if (under_way >= kMostAtOnce) {
    throw Error(Kind::connection_lost,
                std::to_string(kMostAtOnce) + " earlier attempts to reach PostgreSQL have not ended yet",
                "look whether the name server answers");
  }
  state_->ended_fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state_->ended_fd) base::throw_errno(Kind::connection_lost, "cannot make an event descriptor");
  ++under_way;
  try {
    start_thread([state = state_, work = std::move(work)]() mutable {
      work();
      work = nullptr;
      state->ended = true;
      ::eventfd_write(state->ended_fd.get(), 1);
      --under_way;
    }).detach();
  } catch (const Error&) {
    --under_way;
    throw;
  }
}

BlockingCall::~BlockingCall() {
  if (state_ && !state_->ended) prepare_exit();
}

BlockingCall::End BlockingCall::wait(base::Deadline deadline, int interrupt_fd) const noexcept {
  while (!ended()) {
    if (deadline.passed()) return End::late;
    std::array<pollfd, 2> fds{{{fd(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), deadline.poll_timeout());
    if (fds[1].revents != 0 && !ended()) return End::interrupted;
  }
  return End::ended;
}

}  // namespace wrktalk::db
