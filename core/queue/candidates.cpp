// SPDX-License-Identifier: Apache-2.0
#include "core/queue/candidates.hpp"

#include "core/queue/target.hpp"
#include "core/queue/task.hpp"

namespace wrktalk::queue {

std::string candidates(const std::string& not_yet) {
  const std::string kind = kKindOfArtifact;
  const std::string belongs =
      "(" + kind + " IS NULL OR " + kind +
      " = d.kind OR NOT EXISTS (SELECT FROM deployment_target o WHERE o.is_default AND o.kind = " + kind + "))";
  // In a SELECT of its own, so that the server asks once for a target, not once for each task that waits there.
  const std::string idle =
      "(SELECT NOT EXISTS (SELECT FROM agent_task r WHERE r.status = 'inProgress' AND (r.target = d.name OR (r.target "
      "IS NULL AND d.is_default AND (r.release_artifact_id IS NULL OR EXISTS (SELECT FROM release_artifact a WHERE "
      "a.id = r.release_artifact_id AND " +
      belongs + "))))))";
  // One look for each of two partial indexes, in their order: tasks for later are not read.
  const auto waiting = [&](const char* type, const char* rank, const std::string& whose) {
    return " UNION ALL (SELECT t.id, " + std::string(rank) +
           ", t.execute_after, t.created_at FROM agent_task t LEFT JOIN release_artifact a ON a.id = "
           "t.release_artifact_id WHERE t.type " +
           type + " 'rollback' AND " + whose + " AND " + is_due() + " AND " + idle +
           " ORDER BY t.execute_after, t.created_at LIMIT 1)";
  };
  const std::string named = "t.target = d.name";
  const std::string unnamed = "d.is_default AND t.target IS NULL AND " + belongs;
  return "(SELECT t.id, 0 AS rank, t.execute_after, t.created_at FROM agent_task t WHERE t.target = d.name AND "
         "t.status = 'inProgress' AND t.claim_token IS NOT NULL AND t.lease_expires_at < now() AND NOT t.id = ANY(" +
         not_yet + ") LIMIT 1)" + waiting("=", "1", named) + waiting("<>", "2", named) + waiting("=", "1", unnamed) +
         waiting("<>", "2", unnamed);
}

}  // namespace wrktalk::queue
