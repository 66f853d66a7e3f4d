// SPDX-License-Identifier: Apache-2.0
#include "core/exec/fence.hpp"

#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/exec/guard.hpp"
#include "core/exec/pidfd.hpp"
#include "core/exec/process_tree.hpp"
#include "core/log/log.hpp"

#include <array>
#include <climits>
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

/// What /proc/PID/exe says, without what it adds once the file was replaced.
std::string program_of(const std::string& process) {
  constexpr std::string_view kReplaced = " (deleted)";
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlink(("/proc/" + process + "/exe").c_str(), text.data(), text.size());
  std::string path(text.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  if (base::ends_with(path, kReplaced)) path.resize(path.size() - kReplaced.size());
  return path;
}

/// This program, whatever its version, run by this user as a guard, and for `task` when the guard says for which: one of an earlier version does
/// not. A row names the process, and who writes the row may name any.
bool is_guard(pid_t pid, const std::string& task) {
  using namespace std::string_literals;
  constexpr std::size_t kWordsBytes = 512;
  const std::string process = std::to_string(pid);
  const base::Fd file(::open(("/proc/" + process + "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || info.st_uid != ::geteuid()) return false;
  std::string words(kWordsBytes, ' ');
  const ssize_t length = ::read(file.get(), words.data(), words.size());
  words.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  const std::string program = program_of(process);
  const std::string expected = "wrktalk\0"s + kGuardCommand + '\0';
  if (program.empty() || program != program_of("self") || !base::starts_with(words, expected)) return false;
  const std::string_view label = std::string_view(words).substr(expected.size());
  return task.empty() || !base::starts_with(label, kGuardTask) || base::starts_with(label, kGuardTask + task + '\0');
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

bool is_live_guard(const ProcessId& id, const std::string& task) {
  return is_running_here(id) && is_guard(id.pid, task);
}

bool end_guard(const ProcessId& id, std::chrono::milliseconds grace, const std::string& task) {
  if (!is_same_host(id)) return false;
  const base::Fd process(::pidfd_open(id.pid, 0));
  // Only now is it certain that the descriptor and the start time speak of the same process.
  if (!process || !is_running_here(id)) return true;
  if (!is_guard(id.pid, task)) {
    log::warn("fence.no_guard", "a process that was recorded as the guard of a task is none, and is left alone",
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
