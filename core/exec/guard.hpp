// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// What the agent and a guard tell each other over their socket, one packet each. Both are the same binary.
namespace wrktalk::exec {

/// Agent to guard. The first one lets the child start.
struct Renewal {
  std::int64_t term_at;  ///< BootClock, nanoseconds
  std::int64_t kill_at;
};

/// Guard to agent.
struct Report {
  enum class What : std::int32_t { started, not_started, exited, signalled };
  What what;
  std::int32_t value;  ///< the child's pid, errno, exit status, signal
  bool fenced;         ///< the guard ended it because the lease ran out
};

/// The guard's descriptors besides 0, 1 and 2, which are its child's.
constexpr int kGuardFeed = 3;
constexpr int kGuardOut = 4;  ///< read ends of the child's stdout and stderr: emptied once the agent is gone,
constexpr int kGuardErr = 5;  ///< so that the child is not ended by SIGPIPE before its time

/// SIGTERM asks a guard to end its child and all that descends from it; this one to end them at once.
constexpr int kGuardKill = 3;  // SIGQUIT

/// argv[2] of a process that a guard leaves behind when its child left some running that still hold its pipes: it reads on, so
/// that SIGPIPE does not end them. Descriptors 0 and 1 are the pipes, 2 is the feed: the agent reads until it lets go of that.
constexpr const char* kGuardDrain = "drain";

}  // namespace wrktalk::exec
