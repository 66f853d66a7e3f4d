// SPDX-License-Identifier: Apache-2.0
#include "core/exec/guard.hpp"

#include "core/base/deadline.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/process_tree.hpp"
#include "core/exec/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
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

constexpr int kKillsInARow = 50;
constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{500};
/// What KILL has not ended by then hangs in the kernel, or is not ours to end.
constexpr std::chrono::seconds kGiveUp{5};

/// Until the end of file, which sets `fd` to -1.
void discard(int& fd) {
  std::array<char, 65'536> buffer;
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) fd = -1;
}

bool has_writer(int pipe) {
  pollfd fd{pipe, 0, 0};
  return ::poll(&fd, 1, 0) == 0;
}

void drain() {
  ::prctl(PR_SET_NAME, "wrktalk-drain");
  Renewal unheard{};
  while (::recv(2, &unheard, sizeof unheard, 0) > 0) {
  }
  ::close(2);
  for (int out = 0, err = 1; out >= 0 || err >= 0;) {
    std::array<pollfd, 2> fds = {{{out, POLLIN, 0}, {err, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) discard(out);
    if (fds[1].revents != 0) discard(err);
  }
}

/// The process between the agent and a tool: one child, one loop.
class Guard {
 public:
  Guard(std::string path, std::vector<std::string> argv) : path_(std::move(path)), argv_(std::move(argv)) {}

  void run() {
    // Orphans come to us: what we started stays below us, and we can wait for all of it.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t ours;
    ::sigemptyset(&ours);
    for (const int number : {SIGTERM, kGuardKill, SIGCHLD, SIGINT, SIGHUP}) ::sigaddset(&ours, number);
    ::sigprocmask(SIG_BLOCK, &ours, nullptr);
    signals_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_ || !await_first_renewal()) return;
    if (term_at_.passed()) {  // the lease is over, or somebody else's
      fenced_ = true;
      report(Report::What::signalled, SIGTERM);
      return;
    }
    if (!start()) return;
    while (!ended()) {
      wait();
      if (term_at_.passed() && !stopping_) fenced_ = stop();
      if (kill_at_.passed() && !killed_) fenced_ = kill_now();
      if (killed_) sweep();
    }
    if (!stopping_ && (has_writer(kGuardOut) || has_writer(kGuardErr))) leave_drainer();
    if (!child_ended_) status_ = SIGKILL;
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
    Deadline next = killed_ ? Deadline::in(pause_) : kill_at_;
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

  /// TERM, once each: what a process starts to end in order is not hit.
  bool stop() {
    if (!stopping_ && child_ > 0) {
      ::kill(-child_, SIGTERM);  // all of the group at once: none escapes by a fork
      for (const auto& process : descendants_of(::getpid())) {
        if (process.group != child_) send_signal(process, SIGTERM);
      }
    }
    return stopping_ = true;
  }

  bool kill_now() {
    if (!killed_) give_up_at_ = Deadline::in(kGiveUp);
    return stopping_ = killed_ = true;
  }

  /// KILL, to our children: as one ends, its own come to us. This is done again until none is left, at once when one has ended. They
  /// are not reaped meanwhile, and so their numbers are their own. A few times in a row, for those that fork and end as fast.
  void sweep() {
    if (!child_ended_) ::kill(-child_, SIGKILL);
    for (int i = 0; i < kKillsInARow; ++i) {
      for (const pid_t pid : own_children()) ::kill(pid, SIGKILL);
    }
    pause_ = std::min(2 * pause_, kLongestPause);
  }

  /// The child's end; when we are ending it, the end of all that descends from it. Those who hear our report are not kept waiting
  /// by what cannot be ended; nobody else should think that nothing is left.
  bool ended() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != child_) continue;
      status_ = status;
      child_ended_ = true;
    }
    if (!stopping_) return child_ended_;
    return pid < 0 || (killed_ && feed_ >= 0 && give_up_at_.passed());
  }

  static void leave_drainer() {
    const std::array<base::Fd, 3> kept = {out_of_the_way(kGuardOut), out_of_the_way(kGuardErr),
                                          out_of_the_way(kGuardFeed)};
    pid_t drainer = 0;
    spawn({"/proc/self/exe",
           {"wrktalk-drain", kGuardCommand, kGuardDrain},
           {},
           "/",
           {kept[0].get(), kept[1].get(), kept[2].get()},
           true},
          drainer);
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
  Deadline give_up_at_ = Deadline::never();
  std::chrono::milliseconds pause_ = kFirstPause;
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
  if (argc == 3 && std::strcmp(argv[2], kGuardDrain) == 0) {
    drain();
    return 0;
  }
  // NAME __guard [task:ID] PATH ARGV0 ...
  const int path = argc > 2 && std::strncmp(argv[2], kGuardTask, std::strlen(kGuardTask)) == 0 ? 3 : 2;
  if (argc < path + 2) return 2;
  try {
    Guard(argv[path], std::vector<std::string>(argv + path + 1, argv + argc)).run();
    return 0;
  } catch (...) {
    return 1;
  }
}

}  // namespace wrktalk::exec
