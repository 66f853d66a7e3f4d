// SPDX-License-Identifier: Apache-2.0
#include "core/db/answer_watch.hpp"

#include "core/base/text.hpp"
#include "core/db/blocking_call.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace wrktalk::db {
namespace {

using base::BootClock;
using base::Deadline;

/// Most statements end by themselves within it, and their outcome is then known.
constexpr std::chrono::seconds kPatience{1};

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

}  // namespace

AnswerWatch::AnswerWatch(int socket, std::chrono::milliseconds limit, int interrupt_fd)
    : socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)),
      limit_(limit),
      interrupt_fd_(interrupt_fd),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

AnswerWatch::~AnswerWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

std::string AnswerWatch::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

void AnswerWatch::begin() {
  const std::lock_guard lock(mutex_);
  began_ = BootClock::now();
  under_way_ = true;
  if (!thread_.joinable()) {
    if (limit_.count() > 0 || interrupt_fd_ >= 0) thread_ = start_thread([this] { watch(); });
  } else if (parked_) {
    parked_ = false;
    ::eventfd_write(wake_.get(), 1);
  }
}

void AnswerWatch::end() noexcept {
  const std::lock_guard lock(mutex_);
  under_way_ = false;
}

void AnswerWatch::watch() {
  std::optional<BootClock::time_point> asked;  // since when the interrupt descriptor is readable
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (!under_way_) {
      asked.reset();
      parked_ = true;
      sleep(lock, Deadline::never(), -1);
      continue;
    }
    const Deadline due = limit_.count() > 0 ? Deadline::at(began_ + limit_) : Deadline::never();
    const Deadline patience = asked ? Deadline::at(std::max(*asked, began_) + kPatience) : Deadline::never();
    if (due.passed()) return shut_down("the server did not answer in " + base::human_duration(limit_));
    if (!patience.passed()) {
      if (sleep(lock, base::sooner(due, patience), asked ? -1 : interrupt_fd_)) asked = BootClock::now();
    } else if (is_readable(interrupt_fd_)) {
      return shut_down("asked to end before the server answered");
    } else {
      asked.reset();  // somebody has read the signal
    }
  }
}

bool AnswerWatch::sleep(std::unique_lock<std::mutex>& lock, Deadline until, int interrupt_fd) {
  lock.unlock();
  std::array<pollfd, 2> fds{{{wake_.get(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), until.poll_timeout());
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  lock.lock();
  return fds[1].revents != 0;
}

void AnswerWatch::shut_down(std::string why) {
  verdict_ = std::move(why);
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace wrktalk::db
