// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <sys/types.h>
#include <vector>

/// Who descends from whom, as /proc tells it.
namespace wrktalk::exec {

struct Process {
  pid_t pid = 0;
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  unsigned long long start = 0;  ///< field 22 of /proc/PID/stat: tells it from a later process with its pid

  bool has_ended() const noexcept { return state == 'Z' || state == 'X'; }
};

inline bool operator==(const Process& a, const Process& b) noexcept { return a.pid == b.pid && a.start == b.start; }

/// None when there is no such process.
std::optional<Process> look_up(pid_t pid);

/// Everything below `root`, what has ended but is not reaped included. Processes that start or end meanwhile may be missing.
std::vector<Process> descendants_of(pid_t root);

/// The children of the calling thread, at once where the kernel lists them.
std::vector<pid_t> own_children();

/// To that very process, or to nobody when it is gone.
void send_signal(const Process& process, int number) noexcept;

}  // namespace wrktalk::exec
