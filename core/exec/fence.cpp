// SPDX-License-Identifier: Apache-2.0
#include "core/exec/fence.hpp"

#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/exec/guard.hpp"
#include "core/exec/pidfd.hpp"
#include "core/exec/process_tree.hpp"
#include "core/log/log.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

namespace wrktalk::exec {
namespace {

constexpr std::chrono::milliseconds kKillTakes{10'000};
constexpr std::chrono::milliseconds kRevokedGrace{10'000};  // when the fence was never renewed
constexpr std::size_t kProcFileLimit = 65'536;

std::string boot_id() {
  struct stat space {};
  ::stat("/proc/self/ns/pid", &space);
  const auto boot = base::read_file_if_exists("/proc/sys/kernel/random/boot_id", kProcFileLimit);
  return base::trim(boot.value_or("unknown")) + "/" + std::to_string(space.st_ino);
}

/// 0 when there is no such process, or only its zombie.
unsigned long long start_time(pid_t pid) {
  const auto process = look_up(pid);
  return process && !process->has_ended() ? process->start : 0;
}

/// Of whatever version of this program: the one that started it may have been replaced since.
bool is_guard(pid_t pid) {
  using namespace std::string_literals;
  const std::string expected = "wrktalk\0"s + kGuardCommand + '\0';
  std::string words(expected.size(), ' ');
  const base::Fd file(::open(("/proc/" + std::to_string(pid) + "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  return file && ::read(file.get(), words.data(), words.size()) > 0 && words == expected;
}

bool ends_within(const base::Fd& process, std::chrono::milliseconds time) {
  const auto deadline = base::Deadline::in(time);
  pollfd fd{process.get(), POLLIN, 0};
  while (::poll(&fd, 1, deadline.poll_timeout()) < 0 && errno == EINTR) {
  }
  return fd.revents != 0;
}

}  // namespace

ProcessId identify(pid_t pid) {
  const unsigned long long start = start_time(pid);
  return start == 0 ? ProcessId{} : ProcessId{boot_id(), pid, start};
}

std::string to_text(const ProcessId& id) {
  return id.boot_id + " " + std::to_string(id.pid) + " " + std::to_string(id.start);
}

ProcessId parse_process_id(const std::string& text) {
  ProcessId id;
  std::istringstream fields(text);
  std::string rest;
  if (!(fields >> id.boot_id >> id.pid >> id.start) || fields >> rest || id.pid <= 0) return {};
  return id;
}

bool is_same_host(const ProcessId& id) { return id.pid > 0 && id.boot_id == boot_id(); }

bool is_running_here(const ProcessId& id) { return is_same_host(id) && start_time(id.pid) == id.start; }

bool is_live_guard(const ProcessId& id) { return is_running_here(id) && is_guard(id.pid); }

bool end_guard(const ProcessId& id, std::chrono::milliseconds grace) {
  if (!is_same_host(id)) return false;
  const base::Fd process(::pidfd_open(id.pid, 0));
  // Only now is it certain that the descriptor and the start time speak of the same process.
  if (!process || !is_running_here(id)) return true;
  if (!is_guard(id.pid)) {
    log::warn("fence.no_guard", "a process that was recorded as a guard is none, and is left alone",
              {{"pid", std::to_string(id.pid)}});
    return false;
  }
  // One that was stopped hears nothing until it goes on.
  ::pidfd_send_signal(process.get(), SIGTERM, nullptr, 0);
  ::pidfd_send_signal(process.get(), SIGCONT, nullptr, 0);
  if (ends_within(process, grace)) return true;
  ::pidfd_send_signal(process.get(), kGuardKill, nullptr, 0);
  ::pidfd_send_signal(process.get(), SIGCONT, nullptr, 0);
  return ends_within(process, kKillTakes);
}

void Fence::renew(base::BootClock::time_point asked_at, std::chrono::milliseconds lease) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (revoked_) return;
  term_at_ = base::Deadline::at(asked_at + lease * 2 / 3);
  kill_at_ = base::Deadline::at(asked_at + lease * 9 / 10);
  send();
}

void Fence::revoke() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::exchange(revoked_, true)) return;
  const auto now = base::BootClock::now();
  const auto grace = kill_at_.is_never() ? kRevokedGrace : kill_at_.when() - term_at_.when();
  term_at_ = sooner(term_at_, base::Deadline::at(now));
  kill_at_ = sooner(kill_at_, base::Deadline::at(now + grace));
  send();
}

base::Deadline Fence::term_at() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return term_at_;
}

base::Deadline Fence::kill_at() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kill_at_;
}

void Fence::attach(int feed, pid_t guard) {
  if (on_guard_) on_guard_(identify(guard));
  const std::lock_guard<std::mutex> lock(mutex_);
  feed_ = feed;
  send();
}

void Fence::detach() {
  const std::lock_guard<std::mutex> lock(mutex_);
  feed_ = -1;
}

void Fence::send() const noexcept {
  if (feed_ < 0) return;
  const Renewal renewal{term_at_.when().time_since_epoch().count(), kill_at_.when().time_since_epoch().count()};
  // A packet that does not fit, or that nobody reads, leaves the guard with its earlier deadlines.
  ::send(feed_, &renewal, sizeof renewal, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace wrktalk::exec
