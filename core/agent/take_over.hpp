// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/outcome.hpp"
#include "core/agent/task_context.hpp"

#include <cstddef>
#include <optional>

namespace wrktalk::agent {

/// How a task goes on whose holder is gone.
struct Resumption {
  std::size_t first = 0;           ///< with this row of the step table
  std::optional<Failure> failure;  ///< it does not go on: the target is to be put back as far as `failure->left` says
};

/// Looks at what is really on the target and ends what was left half done. What ran before and where the task goes is read from its row.
/// Throws lease_lost, and what a second signal throws.
Resumption take_over(TaskContext& context);

}  // namespace wrktalk::agent
