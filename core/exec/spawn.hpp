// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

/// posix_spawn with the rules for every child of ours; used by exec::run and by the guard, by nobody else.
namespace wrktalk::exec {

struct Spawn {
  const std::string& path;
  const std::vector<std::string>& argv;
  const std::vector<std::string>& environment;
  const std::string& directory;         ///< empty: ours
  const std::vector<int>& descriptors;  ///< become 0, 1, 2, ...; each from `out_of_the_way`. All others are closed
  bool own_session = false;             ///< instead of a process group of its own
};

/// Starts a process group of its own with no signal blocked or ignored. Returns errno, 0 when `pid` runs.
int spawn(const Spawn& what, pid_t& pid);

/// A copy under a number that no child's descriptor can collide with, close-on-exec.
base::Fd out_of_the_way(int fd);

/// Where `name` is found in the PATH of `environment`; a name with a slash is left as it is.
/// Empty when it is nowhere: `error` says why (ENOENT, EACCES).
std::string find_program(const std::string& name, const std::vector<std::string>& environment, int& error);

}  // namespace wrktalk::exec
