// SPDX-License-Identifier: Apache-2.0
#include "core/queue/agents.hpp"

#include "core/base/text.hpp"

namespace wrktalk::queue {

std::vector<AgentRow> agents(db::Session& db) {
  std::vector<AgentRow> out;
  for (const auto& row :
       db.run("SELECT agent_id, version, array_to_string(targets, ' ') AS targets, started_at, last_seen, "
              "extract(epoch FROM now() - last_seen) AS silent FROM agent_instance WHERE last_seen > now() - interval "
              "'1 day' AND isfinite(last_seen) ORDER BY last_seen DESC")) {
    out.push_back({row["agent_id"].c_str(), row["version"].c_str(), base::split(row["targets"].c_str(), ' '),
                   row["started_at"].c_str(), row["last_seen"].c_str(), row["silent"].as<double>()});
  }
  return out;
}

void sign_in_instance(db::Session& db, const Claimant& agent, const std::string& host, const std::string& process) {
  db.run(
      "INSERT INTO agent_instance (id, agent_id, version, targets, host, process) VALUES ($1::uuid, $2, $3, "
      "$4::text[], $5, $6) ON CONFLICT (id) DO UPDATE SET host = $5, process = $6, last_seen = now()",
      agent.instance, agent.agent_id, agent.version, agent.targets, host, process);
}

std::optional<Instance> other_live(db::Session& db, const std::string& agent_id, const std::string& own) {
  const auto rows = db.run(
      "SELECT id, host, process, last_seen, extract(epoch FROM clock_timestamp() - last_seen) AS silent FROM "
      "agent_instance WHERE agent_id = $1 AND id <> $2::uuid AND isfinite(last_seen) ORDER BY last_seen DESC LIMIT 1",
      agent_id, own);
  if (rows.empty()) return std::nullopt;
  const auto row = rows[0];
  return Instance{row["id"].c_str(), db::text(row, "host"), db::text(row, "process"), row["last_seen"].c_str(),
                  row["silent"].as<double>()};
}

void forget_instance(db::Session& db, const std::string& id) {
  db.run("DELETE FROM agent_instance WHERE id = $1::uuid", id);
}

}  // namespace wrktalk::queue
