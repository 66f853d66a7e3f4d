// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::queue {

/// SQL: the best tasks for target row `d`, if any: (id, rank, execute_after, created_at); the lowest rank goes first.
///
/// A task that names no target belongs to the default target of its artifact's kind; when that cannot be told, or no target of that kind
/// exists, to any default target, where it fails with a reason. A task in progress without a token is a v4.2 agent's.
/// `not_yet`: SQL of type uuid[], the tasks in progress that may not be taken over although their lease is over.
std::string candidates(const std::string& not_yet);

}  // namespace wrktalk::queue
