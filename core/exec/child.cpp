// SPDX-License-Identifier: Apache-2.0
#include "core/exec/child.hpp"

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/guard.hpp"
#include "core/exec/pidfd.hpp"
#include "core/exec/spawn.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <utility>

namespace wrktalk::exec {
namespace {

constexpr int kLargePipe = 1024 * 1024;
constexpr std::chrono::seconds kKillTakes{2};
constexpr int kLookAgainMs = 5;

std::vector<pid_t> unreaped;  // every Child's process that started; children are the process's, and so is their list

void forget(pid_t pid) { unreaped.erase(std::remove(unreaped.begin(), unreaped.end(), pid), unreaped.end()); }

/// Children of ours that are no Child's: they come to us where Signals was made, and to pid 1.
std::vector<Process> orphans() {
  std::vector<Process> all = descendants_of(::getpid());
  const auto is_other = [](const Process& process) {
    return process.parent != ::getpid() || std::find(unreaped.begin(), unreaped.end(), process.pid) != unreaped.end();
  };
  all.erase(std::remove_if(all.begin(), all.end(), is_other), all.end());
  return all;
}

struct Pair {
  base::Fd ours, theirs;
};

Pair make_pair(int (*make)(int*)) {
  std::array<int, 2> ends{-1, -1};
  if (make(ends.data()) != 0) base::throw_errno(base::Kind::failed, "cannot open a pipe for a child");
  const base::Fd first(ends[0]);
  const base::Fd second(ends[1]);
  return {out_of_the_way(ends[0]), out_of_the_way(ends[1])};
}

Pair make_input() {
  std::signal(SIGPIPE, SIG_IGN);  // a child that takes no more is no reason to end; children get the default back
  Pair pipe = make_pair([](int* ends) { return ::pipe2(ends, O_CLOEXEC); });
  std::swap(pipe.ours, pipe.theirs);
  ::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(pipe.ours.get(), F_SETPIPE_SZ, kLargePipe);  // best effort
  return pipe;
}

Pair make_pipe() {
  Pair pipe = make_pair([](int* ends) { return ::pipe2(ends, O_CLOEXEC); });
  ::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

}  // namespace

int Child::start(const Spec& spec) {
  int error = 0;
  const std::string path = find_program(spec.argv.at(0), spec.environment, error);
  if (path.empty()) return error;

  const base::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) base::throw_errno(base::Kind::failed, "cannot open /dev/null");
  Pair in = spec.input ? make_input() : Pair{{}, out_of_the_way(spec.stdin_fd >= 0 ? spec.stdin_fd : null.get())};
  Pair out = spec.stdout_fd >= 0 ? Pair{{}, out_of_the_way(spec.stdout_fd)} : make_pipe();
  if (spec.on_bytes) ::fcntl(out.ours.get(), F_SETPIPE_SZ, kLargePipe);  // best effort
  Pair err = make_pipe();
  if (fence_ == nullptr) {
    const std::vector<int> descriptors = {in.theirs.get(), out.theirs.get(), err.theirs.get()};
    error = spawn({path, spec.argv, spec.environment, spec.directory, descriptors}, pid_);
  } else {
    Pair feed = make_pair([](int* ends) { return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); });
    std::vector<std::string> argv = {"wrktalk", kGuardCommand};
    if (!fence_->task_.empty()) argv.push_back(kGuardTask + fence_->task_);
    argv.push_back(path);
    argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
    const std::vector<int> descriptors = {in.theirs.get(),   out.theirs.get(), err.theirs.get(),
                                          feed.theirs.get(), out.ours.get(),   err.ours.get()};
    orphans_before_ = orphans();
    error = spawn({"/proc/self/exe", argv, spec.environment, spec.directory, descriptors}, pid_);
    feed_ = std::move(feed.ours);
  }
  if (error != 0) return error;
  unreaped.push_back(pid_);
  in.theirs.reset();
  out.theirs.reset();
  err.theirs.reset();
  in_ = std::move(in.ours);
  out_ = std::move(out.ours);
  err_ = std::move(err.ours);
  process_.reset(::pidfd_open(pid_, 0));
  if (!process_) base::throw_errno(base::Kind::failed, "cannot watch a child", "use Linux 5.3 or newer");
  if (fence_ != nullptr) fence_->attach(feed_.get(), pid_);
  return 0;
}

Child::~Child() {
  if (fence_ != nullptr) fence_->detach();
  if (pid_ == 0) return;
  force_to_end();
  ::waitpid(pid_, nullptr, 0);
  forget(pid_);
}

void Child::ask_to_end() const noexcept { ::kill(fence_ == nullptr ? -pid_ : pid_, SIGTERM); }

void Child::force_to_end() const noexcept { fence_ == nullptr ? ::kill(-pid_, SIGKILL) : ::kill(pid_, kGuardKill); }

void Child::reap(bool with_all, Outcome& outcome) {
  siginfo_t info{};
  const auto pid = static_cast<id_t>(pid_);
  // As long as the zombie is there, nobody else can have its group's number.
  while (::waitid(P_PID, pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  if (with_all) force_to_end();
  while (::waitid(P_PID, pid, &info, WEXITED) != 0 && errno == EINTR) {
  }
  forget(pid_);
  pid_ = 0;
  outcome.end = info.si_code == CLD_EXITED ? Outcome::End::exited : Outcome::End::signalled;
  outcome.code = info.si_status;
  if (fence_ == nullptr) return;
  read_reports(outcome);
  if (with_all) end_orphans();  // it ended by itself, and so its guard ended nothing, just as we asked
}

void Child::read_reports(Outcome& outcome) {
  pid_t running = 0;
  Report report{};
  const auto next = [&] {
    ssize_t got = 0;
    // A renewal that the guard has not read when it ends makes one read of ours fail; what it reported is there all the same.
    do got = ::recv(feed_.get(), &report, sizeof report, MSG_DONTWAIT);
    while (got < 0 && (errno == ECONNRESET || errno == EINTR));
    return got == static_cast<ssize_t>(sizeof report);
  };
  while (next()) {
    switch (report.what) {
      case Report::What::started: running = report.value; continue;
      case Report::What::not_started:
        outcome.end = Outcome::End::not_started;
        outcome.error = std::generic_category().message(report.value);
        return;
      case Report::What::exited:
      case Report::What::signalled:
        outcome.end = report.fenced                            ? Outcome::End::fenced
                      : report.what == Report::What::signalled ? Outcome::End::signalled
                                                               : Outcome::End::exited;
        outcome.code = report.value;
        return;
    }
  }
  // The guard itself was killed: nobody watches its child any more, and what was below it has come to us.
  if (running > 0) ::kill(-running, SIGKILL);
  end_orphans();
  if (running == 0) {
    outcome.error = "its guard " + outcome.describe() + " before it";
    outcome.end = Outcome::End::not_started;
    return;
  }
  outcome.end = Outcome::End::signalled;
  outcome.code = SIGKILL;
}

/// What came to us from a guard that is gone: as one ends, those below it come.
void Child::end_orphans() const {
  for (const auto until = base::Deadline::in(kKillTakes);;) {
    pid_t left = 0;
    for (const auto& process : orphans()) {
      if (std::find(orphans_before_.begin(), orphans_before_.end(), process) != orphans_before_.end()) continue;
      left = process.pid;
      ::kill(process.pid, SIGKILL);  // not reaped: its number is its own
      ::waitpid(process.pid, nullptr, WNOHANG);
    }
    if (left == 0) return;
    if (until.passed()) {
      log::error("exec.not_ended", "a process that a tool left behind does not end", {{"pid", std::to_string(left)}});
      return;
    }
    ::poll(nullptr, 0, kLookAgainMs);
  }
}

bool reap_orphans() noexcept {
  if (!unreaped.empty()) return false;
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return true;
}

}  // namespace wrktalk::exec
