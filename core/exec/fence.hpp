// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <sys/types.h>

/// Keeps a tool from acting after the lease that allowed it is over.
///
/// The agent renews the fence each time the database has confirmed a longer lease. A child that was started with the fence
/// runs under a guard process, which hears of each renewal through a socket. When renewals stop, whatever became of the agent
/// (killed, frozen, cut off from the database), the guard sends TERM when a third of the lease is left and KILL before it is
/// over, to the child and to everything that descends from it, in whatever session or group. So a lease that is over proves
/// that nothing of its holder acts any more. What a child that ended by itself left running lives on.
namespace wrktalk::exec {

/// Names one process for as long as the machine runs: a pid alone may be given to another process.
struct ProcessId {
  std::string boot_id;  ///< /proc/sys/kernel/random/boot_id and the pid namespace's inode
  pid_t pid = 0;
  unsigned long long start = 0;  ///< field 22 of /proc/PID/stat
};

ProcessId identify(pid_t pid);                        ///< pid 0 when there is no such process
std::string to_text(const ProcessId& id);             ///< "BOOT PID START"
ProcessId parse_process_id(const std::string& text);  ///< pid 0 when it is not one
/// Whether that very process still runs here; false when it belongs to another host or boot.
bool is_running_here(const ProcessId& id);
bool is_same_host(const ProcessId& id);
/// Whether that process still runs here and is a guard: this program, run by this user, for `task` (any when empty).
bool is_live_guard(const ProcessId& id, const std::string& task = {});
/// Asks a guard left behind by a dead agent to end its child with all descendants (TERM, `grace`, KILL) and waits for them.
/// True when it is gone. False, and no signal is sent, when that process is no guard, or one of another task.
bool end_guard(const ProcessId& id, std::chrono::milliseconds grace, const std::string& task = {});

/// The thread that proves the lease may renew and revoke while another starts and ends the children.
class Fence {
 public:
  /// `on_guard` is told of each guard as it starts, before the child does: record it where a restarted agent finds it.
  /// It is called in the thread that starts the child.
  /// `task` is written on each guard: only whoever takes that task over may end it.
  explicit Fence(std::function<void(const ProcessId&)> on_guard = {}, std::string task = {})
      : task_(std::move(task)), on_guard_(std::move(on_guard)) {}
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;
  ~Fence() = default;

  /// The lease runs for `lease` from `asked_at`, the moment before the statement that prolonged it was sent.
  void renew(base::BootClock::time_point asked_at, std::chrono::milliseconds lease);

  /// Another holds the lease: TERM now, KILL as much later as it is otherwise, but not later than it would have come.
  /// From then on no renewal counts, and no child starts: its run ends as `fenced`.
  void revoke();

  base::Deadline term_at() const;
  base::Deadline kill_at() const;

 private:
  friend class Child;
  void attach(int feed, pid_t guard);
  void detach();
  void send() const noexcept;  ///< with the mutex held

  const std::string task_;
  const std::function<void(const ProcessId&)> on_guard_;
  mutable std::mutex mutex_;  ///< of all below
  base::Deadline term_at_ = base::Deadline::never();
  base::Deadline kill_at_ = base::Deadline::never();
  bool revoked_ = false;
  int feed_ = -1;  ///< the running guard's socket, owned by the run
};

/// The guard's own main; `main` calls it when argv[1] is kGuardCommand, before anything else is set up.
constexpr const char* kGuardCommand = "__guard";
constexpr const char* kGuardTask =
    "task:";  ///< begins the argument behind it that says for which task, when there is one
int guard_main(int argc, char** argv) noexcept;

}  // namespace wrktalk::exec
