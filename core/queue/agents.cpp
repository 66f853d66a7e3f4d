// SPDX-License-Identifier: Apache-2.0
#include "core/queue/agents.hpp"

#include "core/base/text.hpp"
#include "core/queue/sql.hpp"

namespace wrktalk::queue {

std::vector<AgentRow> agents(db::Session& db) {
  std::vector<AgentRow> out;
  for (const auto& row : db.run(sql::agents)) {
    out.push_back({row["agent_id"].c_str(), row["version"].c_str(), base::split(row["targets"].c_str(), ' '),
                   row["started_at"].c_str(), row["last_seen"].c_str(), row["silent"].as<double>()});
  }
  return out;
}

void sign_in_instance(db::Session& db, const Claimant& agent, const std::string& host, const std::string& process) {
  db.run(sql::sign_in, agent.instance, agent.agent_id, agent.version, agent.targets, host, process);
}

std::optional<Instance> other_live(db::Session& db, const std::string& agent_id, const std::string& own) {
  const auto rows = db.run(sql::other_instance, agent_id, own);
  if (rows.empty()) return std::nullopt;
  const auto row = rows[0];
  return Instance{row["id"].c_str(), db::text(row, "host"), db::text(row, "process"), row["last_seen"].c_str(),
                  row["silent"].as<double>()};
}

void forget_instance(db::Session& db, const std::string& id) {
  db.run("DELETE FROM agent_instance WHERE id = $1::uuid", id);
}

}  // namespace wrktalk::queue
