// SPDX-License-Identifier: Apache-2.0
#include "core/exec/guard.hpp"

#include "core/base/deadline.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace wrktalk::exec {
namespace {

using base::BootClock;
using base::Deadline;

static_assert(kGuardKill == SIGQUIT);

/// The process between the agent and a tool: one child, one loop.
class Guard {
 public:
  Guard(std::string path, std::vector<std::string> argv) : path_(std::move(path)), argv_(std::move(argv)) {}

  void run() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of the group come to us, so that we can wait for all of it
    sigset_t ours;
    ::sigemptyset(&ours);
    for (const int number : {SIGTERM, kGuardKill, SIGCHLD, SIGINT, SIGHUP}) ::sigaddset(&ours, number);
    ::sigprocmask(SIG_BLOCK, &ours, nullptr);
    signals_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_ || !await_first_renewal() || !start()) return;
    while (!ended()) {
      wait();
      if (term_at_.passed() && !stopping_) fenced_ = stop();
      if (kill_at_.passed()) {
        fenced_ = true;
        kill_now();
      }
    }
    report(WIFSIGNALED(status_) ? Report::What::signalled : Report::What::exited,
           WIFSIGNALED(status_) ? WTERMSIG(status_) : WEXITSTATUS(status_));
  }

 private:
  /// The agent may have to record us first; when it goes away instead, nothing was started.
  bool await_first_renewal() {
    while (feed_ >= 0 && !stopping_ && !renewed_) wait();
    return renewed_ && !stopping_;
  }

  bool start() {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    std::vector<int> descriptors;
    std::array<base::Fd, 3> stdio;
    for (int place = 0; place < 3; ++place) {
      auto& fd = stdio[static_cast<std::size_t>(place)];
      fd = out_of_the_way(place);
      descriptors.push_back(fd.get());
    }
    const int error = spawn({path_, argv_, environment, {}, descriptors}, child_);
    // The write ends are the child's alone: what we kept would hide its end of file from the agent.
    for (int place = 0; place < 3; ++place) ::close(place);
    report(error == 0 ? Report::What::started : Report::What::not_started, error == 0 ? child_ : error);
    return error == 0;
  }

  void wait() {
    std::array<pollfd, 4> fds = {{{signals_.get(), POLLIN, 0},
                                  {feed_, POLLIN, 0},
                                  {feed_ < 0 ? out_ : -1, POLLIN, 0},
                                  {feed_ < 0 ? err_ : -1, POLLIN, 0}}};
    Deadline next = killed_ ? Deadline::never() : kill_at_;
    if (!stopping_) next = sooner(next, term_at_);
    if (::poll(fds.data(), fds.size(), next.poll_timeout()) <= 0) return;
    if (fds[0].revents != 0) take_signals();
    if (fds[1].revents != 0) take_renewal();
    if (fds[2].revents != 0) discard(out_);
    if (fds[3].revents != 0) discard(err_);
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGTERM) stop();
      if (info.ssi_signo == static_cast<unsigned>(kGuardKill)) kill_now();
    }
  }

  void take_renewal() {
    Renewal renewal{};
    const ssize_t n = ::recv(feed_, &renewal, sizeof renewal, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n != static_cast<ssize_t>(sizeof renewal)) {
      feed_ = -1;  // the agent is gone; the deadlines it left count
      return;
    }
    renewed_ = true;
    term_at_ = Deadline::at(BootClock::time_point(BootClock::duration(renewal.term_at)));
    kill_at_ = Deadline::at(BootClock::time_point(BootClock::duration(renewal.kill_at)));
  }

  static void discard(int& fd) {
    std::array<char, 65'536> buffer;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) fd = -1;
  }

  bool stop() {
    if (!stopping_ && child_ > 0) ::kill(-child_, SIGTERM);
    return stopping_ = true;
  }

  void kill_now() {
    stopping_ = true;
    if (!killed_ && child_ > 0) ::kill(-child_, SIGKILL);
    killed_ = true;
  }

  /// The child's end; when we are ending it, the end of its whole group.
  bool ended() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != child_) continue;
      status_ = status;
      child_ended_ = true;
    }
    if (!child_ended_ || !stopping_) return child_ended_;
    siginfo_t info{};
    return ::waitid(P_PGID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
  }

  void report(Report::What what, int value) const {
    const Report message{what, value, fenced_};
    ::send(kGuardFeed, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  std::string path_;
  std::vector<std::string> argv_;
  base::Fd signals_;
  int feed_ = kGuardFeed;
  int out_ = kGuardOut;
  int err_ = kGuardErr;
  Deadline term_at_ = Deadline::never();
  Deadline kill_at_ = Deadline::never();
  bool renewed_ = false;
  bool stopping_ = false;
  bool killed_ = false;
  bool fenced_ = false;
  pid_t child_ = 0;
  int status_ = 0;
  bool child_ended_ = false;
};

}  // namespace

int guard_main(int argc, char** argv) noexcept {
  if (argc < 4) return 2;  // NAME __guard PATH ARGV0 ...
  try {
    Guard(argv[2], std::vector<std::string>(argv + 3, argv + argc)).run();
    return 0;
  } catch (...) {
    return 1;
  }
}

}  // namespace wrktalk::exec
