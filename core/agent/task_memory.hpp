// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"
#include "core/queue/claim.hpp"
#include "core/queue/goal.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// What ran on the target before the task touched it, and which stored release that is.
struct WhatRan {
  deploy::Before seen;
  std::optional<std::string> artifact_id;  ///< nothing when the database has no such release
};
/// What the task did, or was about to do, to the application's databases.
struct DataMemory {
  std::map<std::string, std::string> backups;  ///< by the database's name: where the backup lies that was made first
  std::vector<std::int64_t> applied;           ///< migrations of the goal that were pending
  std::vector<std::int64_t> taken_down;        ///< those of the release that ran which are undone for an older one
};

/// What the task's row remembers: written by its first holder before anything was touched, read by every later one.
struct TaskMemory {
  queue::StoredGoal goal{};
  std::optional<WhatRan> before{};  ///< empty: no holder has come so far as to touch anything
  /// The row of the step table that any holder has begun, the furthest.
  std::size_t reached = 0;
  DataMemory data{};
};
/// What ran before and what was done to data, as the row keeps them together.
std::string to_json(const WhatRan& before, const DataMemory& data);
TaskMemory memory_of(const queue::Claim& claim);

}  // namespace wrktalk::agent
