// SPDX-License-Identifier: Apache-2.0
#include "core/queue/retention.hpp"

#include "core/queue/sql.hpp"

namespace wrktalk::queue {
std::vector<Prunable> prunable(db::Session& db, int keep) {
  std::vector<Prunable> found;
  for (const auto& row : db.run(sql::prunable_releases, keep)) {
    found.push_back({row["id"].c_str(), row["release_version"].c_str(), row["chart_type"].c_str(),
                     row["size_bytes"].as<std::uint64_t>(), row["created_at"].c_str()});
  }
  return found;
}

bool prune(db::Session& db, const std::string& id) {
  db::Transaction tx(db);
  const auto rows = tx.run(sql::lock_prunable_release, id);
  if (rows.empty()) return false;
  tx.run(sql::forget_release, id);
  tx.run("DELETE FROM release_artifact WHERE id = $1::uuid", id);
  tx.commit();
  return true;
}

}  // namespace wrktalk::queue
