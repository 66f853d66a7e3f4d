// SPDX-License-Identifier: Apache-2.0
#include "core/exec/child.hpp"

#include "core/base/error.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/guard.hpp"
#include "core/exec/pidfd.hpp"
#include "core/exec/spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>

namespace wrktalk::exec {
namespace {

constexpr int kLargePipe = 1024 * 1024;

int unreaped = 0;  // every Child's process that started; children are the process's, and so is their number

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
  const base::Fd in = out_of_the_way(spec.stdin_fd >= 0 ? spec.stdin_fd : null.get());
  Pair out = spec.stdout_fd >= 0 ? Pair{{}, out_of_the_way(spec.stdout_fd)} : make_pipe();
  if (spec.on_bytes) ::fcntl(out.ours.get(), F_SETPIPE_SZ, kLargePipe);  // best effort
  Pair err = make_pipe();
  if (fence_ == nullptr) {
    const std::vector<int> descriptors = {in.get(), out.theirs.get(), err.theirs.get()};
    error = spawn({path, spec.argv, spec.environment, spec.directory, descriptors}, pid_);
  } else {
    Pair feed = make_pair([](int* ends) { return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); });
    std::vector<std::string> argv = {"wrktalk", kGuardCommand, path};
    argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
    const std::vector<int> descriptors = {in.get(),          out.theirs.get(), err.theirs.get(),
                                          feed.theirs.get(), out.ours.get(),   err.ours.get()};
    error = spawn({"/proc/self/exe", argv, spec.environment, spec.directory, descriptors}, pid_);
    feed_ = std::move(feed.ours);
  }
  if (error != 0) return error;
  ++unreaped;
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
  --unreaped;
}

void Child::ask_to_end() const noexcept { ::kill(fence_ == nullptr ? -pid_ : pid_, SIGTERM); }

void Child::force_to_end() const noexcept { fence_ == nullptr ? ::kill(-pid_, SIGKILL) : ::kill(pid_, kGuardKill); }

void Child::reap(bool whole_group, Outcome& outcome) {
  siginfo_t info{};
  const auto pid = static_cast<id_t>(pid_);
  // As long as the zombie is there, nobody else can have its group's number.
  while (::waitid(P_PID, pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  if (whole_group) force_to_end();
  while (::waitid(P_PID, pid, &info, WEXITED) != 0 && errno == EINTR) {
  }
  pid_ = 0;
  --unreaped;
  outcome.end = info.si_code == CLD_EXITED ? Outcome::End::exited : Outcome::End::signalled;
  outcome.code = info.si_status;
  if (fence_ != nullptr) read_reports(outcome);
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
  if (running == 0) {
    outcome.error = "its guard " + outcome.describe() + " before it";
    outcome.end = Outcome::End::not_started;
    return;
  }
  // The guard itself was killed: nobody watches its child any more.
  ::kill(-running, SIGKILL);
  outcome.end = Outcome::End::signalled;
  outcome.code = SIGKILL;
}

bool reap_orphans() noexcept {
  if (unreaped > 0) return false;
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return true;
}

}  // namespace wrktalk::exec
