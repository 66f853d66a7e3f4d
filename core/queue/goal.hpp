// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace wrktalk::queue {

/// Where a task goes, as `agent_task.goal` holds it: fixed when the task is queued, or by its first holder.
struct StoredGoal {
  std::optional<std::string> artifact_id;
  std::optional<std::string> version;
  std::optional<long> revision;  ///< helm's, when the target goes back to a revision that it still holds
};

/// A JSON object without the members that are not known.
std::string to_json(const StoredGoal& goal);

/// Never throws: no text, or a text that is no such object, gives an empty goal; a member of the wrong type counts as not there.
StoredGoal parse_goal(const std::optional<std::string>& json);

}  // namespace wrktalk::queue
