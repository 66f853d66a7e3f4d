// SPDX-License-Identifier: Apache-2.0
#include "core/log/outlet.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace wrktalk::log {
namespace {

bool is_of_type(int fd, mode_t type) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && (info.st_mode & S_IFMT) == type;
}

/// O_NONBLOCK belongs to the open file, which other processes share: a file opened anew has a flag of its own. A pipe that another
/// user made cannot be opened.
int open_anew(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/// Whole lines if the first one fits: a pipe takes up to PIPE_BUF bytes in one piece, which no other writer's bytes part.
std::string_view next_piece(std::string_view text) {
  const std::string_view piece = text.substr(0, PIPE_BUF);
  const std::size_t end = piece.rfind('\n');
  return end == std::string_view::npos ? piece : piece.substr(0, end + 1);
}

}  // namespace

Outlet::Outlet(int fd, Tell tell)
    : fd_(fd),
      kind_(is_of_type(fd, S_IFREG)    ? Kind::file
            : is_of_type(fd, S_IFSOCK) ? Kind::socket
                                       : Kind::other),
      own_(kind_ == Kind::other ? open_anew(fd) : -1),
      tell_(std::move(tell)) {
  std::signal(SIGPIPE, SIG_IGN);
}

void Outlet::write(std::string_view line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drain();
  if (add(line)) {
    drain();
  } else {
    ++lost_;
  }
}

void Outlet::flush(base::Deadline until) {
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // What was lost is told last when no line came after it.
      if (!drain() || (backlog_.empty() && (lost_ == 0 || !add({})))) return;
    }
    if (until.passed()) return;
    pollfd fd{own_ ? own_.get() : fd_, POLLOUT, 0};
    ::poll(&fd, 1, until.poll_timeout());
  }
}

/// Behind the line about those that were lost before it. False when there is no room for both.
bool Outlet::add(std::string_view line) {
  const std::string told = lost_ > 0 ? tell_(lost_) : std::string();
  if (!backlog_.empty() && backlog_.size() + told.size() + line.size() > kBacklogBytes) return false;
  backlog_.append(told).append(line);
  lost_ = 0;
  return true;
}

/// Writes what is taken now. False when nothing will be: nobody reads any more, or the disk is full.
bool Outlet::drain() {
  while (!backlog_.empty()) {
    std::size_t taken = 0;
    if (!write_once(next_piece(backlog_), taken)) return false;
    if (taken == 0) return true;
    backlog_.erase(0, taken);
  }
  return true;
}

bool Outlet::takes_something() const noexcept {
  pollfd fd{fd_, POLLOUT, 0};
  return ::poll(&fd, 1, 0) > 0;
}

bool Outlet::write_once(std::string_view bytes, std::size_t& taken) const noexcept {
  ssize_t n = 0;
  do {
    if (kind_ == Kind::socket) {
      n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (own_) {
      n = ::write(own_.get(), bytes.data(), bytes.size());
    } else if (kind_ == Kind::file || takes_something()) {
      n = ::write(fd_, bytes.data(), bytes.size());  // to a pipe that takes something: it takes PIPE_BUF bytes
    } else {
      return true;
    }
  } while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN;
  taken = static_cast<std::size_t>(n);
  return true;
}

}  // namespace wrktalk::log
