// SPDX-License-Identifier: Apache-2.0
#include "core/queue/retention.hpp"

namespace wrktalk::queue {
namespace {

/// SQL: whether release `a` may not go.
constexpr const char* kIsNeeded =
    "(coalesce(a.is_current, false) OR coalesce(a.is_previous, false) OR EXISTS (SELECT FROM deployment_target d "
    "WHERE a.id IN (d.current_artifact_id, d.previous_artifact_id)) OR EXISTS (SELECT FROM agent_task t WHERE t.status "
    "IN ('pending', 'inProgress') AND (t.release_artifact_id = a.id OR a.id::text IN (t.goal->>'artifact_id', "
    "t.before->>'artifact_id') OR "
    "t.payload->>'target_version' IN "
    "(a.release_version, a.id::text) OR EXISTS (SELECT FROM agent_task made WHERE made.target = t.target AND "
    "made.status = 'completed' AND made.result->>'revision' = t.payload->>'target_revision' AND "
    "made.result->>'artifact_id' = a.id::text))))";

}  // namespace

std::vector<Prunable> prunable(db::Session& db, int keep) {
  std::vector<Prunable> found;
  for (const auto& row : db.run(
           std::string("SELECT a.id, a.release_version, a.chart_type, coalesce(a.size_bytes, "
                       "octet_length(a.artifact_data)) AS size_bytes, a.created_at FROM (SELECT *, row_number() OVER "
                       "(PARTITION BY chart_type ORDER BY created_at DESC, id) AS age FROM release_artifact) a "
                       "WHERE a.age > $1 AND NOT ") +
               kIsNeeded + " ORDER BY a.created_at, a.id",
           keep)) {
    found.push_back({row["id"].c_str(), row["release_version"].c_str(), row["chart_type"].c_str(),
                     row["size_bytes"].as<std::uint64_t>(), row["created_at"].c_str()});
  }
  return found;
}

bool prune(db::Session& db, const std::string& id) {
  db::Transaction tx(db);
  // Whoever queues a task for it now waits for us, and then finds it gone.
  const auto rows = tx.run(
      std::string("SELECT FROM release_artifact a WHERE a.id = $1::uuid AND NOT ") + kIsNeeded + " FOR UPDATE OF a",
      id);
  if (rows.empty()) return false;
  tx.run(
      "UPDATE agent_task t SET release_artifact_id = NULL, result = jsonb_build_object('version', a.release_version) "
      "|| "
      "coalesce(CASE jsonb_typeof(t.result) WHEN 'object' THEN t.result END, '{}') FROM release_artifact a "
      "WHERE a.id = $1::uuid AND t.release_artifact_id = a.id AND t.status NOT IN ('pending', 'inProgress')",
      id);
  tx.run("DELETE FROM release_artifact WHERE id = $1::uuid", id);
  tx.commit();
  return true;
}

}  // namespace wrktalk::queue
