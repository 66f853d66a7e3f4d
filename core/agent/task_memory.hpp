// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"
#include "core/queue/claim.hpp"
#include "core/queue/goal.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace wrktalk::agent {

/// What ran on the target before the task touched it, and which stored release that is.
struct WhatRan {
  deploy::Before seen;
  std::optional<std::string> artifact_id;  ///< nothing when the database has no such release
};
std::string to_json(const WhatRan& before);

/// What the task's row remembers: written by its first holder before anything was touched, read by every later one.
struct TaskMemory {
  queue::StoredGoal goal{};
  std::optional<WhatRan> before{};  ///< empty: no holder has come so far as to touch anything
  /// The row of the step table that any holder has begun, the furthest.
  std::size_t reached = 0;
};
TaskMemory memory_of(const queue::Claim& claim);

}  // namespace wrktalk::agent
