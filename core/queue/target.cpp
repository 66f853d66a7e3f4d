// SPDX-License-Identifier: Apache-2.0
#include "core/queue/target.hpp"

#include "core/base/error.hpp"
#include "core/queue/sql.hpp"

namespace wrktalk::queue {
namespace {

std::optional<long> number(const db::Row& row, const char* column) {
  const auto field = row[column];
  if (field.is_null()) return std::nullopt;
  return field.as<long>();
}

std::optional<std::string> id_in(const db::Result& rows) {
  if (rows.empty()) return std::nullopt;
  return std::string(rows[0]["id"].c_str());
}

TargetRow to_target(const db::Row& row) {
  TargetRow target;
  target.name = row["name"].c_str();
  target.kind = row["kind"].c_str();
  target.chart_type = row["chart_type"].c_str();
  target.is_default = row["is_default"].as<bool>();
  target.current_artifact_id = db::text(row, "current_artifact_id");
  target.previous_artifact_id = db::text(row, "previous_artifact_id");
  target.current_version = db::text(row, "current_version");
  target.previous_version = db::text(row, "previous_version");
  target.revision = number(row, "revision");
  target.previous_revision = number(row, "previous_revision");
  target.applied_at = db::text(row, "applied_at");
  target.is_of_v42 = row["is_of_v42"].as<bool>();
  return target;
}

}  // namespace

void require_schema(db::Session& db) {
  const auto row = db.run(sql::ledger_of_agent)[0];
  const bool has_tables = row["has_tables"].as<bool>();
  if (!row["ledger"].is_null()) {
    const auto newest = db.run(std::string("SELECT coalesce(max(number), 0) AS number FROM ") + row["ledger"].c_str() +
                               " WHERE set = 'agent' AND outcome <> 'begun'");
    if (has_tables && newest[0]["number"].as<long>() >= kNeededMigration) return;
  }
  throw base::Error(
      base::Kind::configuration,
      has_tables ? "the agent's tables are older than this wrktalk needs" : "the database has no agent tables",
      "run `wrktalk migrate up --set agent`; the role's search_path must name the schema of the tables");
}

void register_target(db::Session& db, const Registration& target) {
  db::Transaction tx(db);
  // Serialises agents that start at once: only one of them may make the default target.
  tx.run("SELECT pg_advisory_xact_lock(hashtext('wrktalk.deployment_target'))");
  const auto known = tx.run("SELECT 1 FROM deployment_target WHERE name = $1", target.name);
  if (known.empty()) {
    tx.run(sql::add_target, target.name, target.kind, target.chart_type);
  }
  // The first row must know of a window that is being opened just now.
  tx.run(
      "SELECT pg_advisory_xact_lock(hashtext('wrktalk.maintenance')) WHERE NOT EXISTS (SELECT FROM deployment_config)");
  tx.run(sql::add_config, target.kind, target.namespace_, target.helm_release_name, target.compose_project_name);
  tx.commit();
}

std::vector<TargetRow> targets(db::Session& db) {
  std::vector<TargetRow> out;
  for (const auto& row : db.run(sql::targets, nullptr, nullptr)) out.push_back(to_target(row));
  return out;
}

std::optional<TargetRow> find_target(db::Session& db, const std::string& name) {
  const auto rows = db.run(sql::targets, name, nullptr);
  if (rows.empty()) return std::nullopt;
  return to_target(rows[0]);
}

std::optional<TargetRow> default_target(db::Session& db, const std::string& kind) {
  const auto rows = db.run(sql::targets, nullptr, kind);
  if (rows.empty()) return std::nullopt;
  return to_target(rows[0]);
}

std::optional<long> revision_of(db::Session& db, const std::string& target, const std::string& artifact_id) {
  const auto rows = db.run(sql::revision_of, target, artifact_id);
  if (rows.empty()) return std::nullopt;
  return rows[0]["revision"].as<long>();
}

std::optional<std::string> artifact_of_revision(db::Session& db, const std::string& target, long revision) {
  return id_in(db.run(sql::artifact_of_revision, target, revision));
}

std::optional<std::string> last_seen_running(db::Session& db, const std::string& target,
                                             const std::string& artifact_id) {
  const auto rows = db.run(sql::last_seen_running, target, artifact_id);
  if (rows.empty()) return std::nullopt;
  return std::string(rows[0]["before"].c_str());
}

std::optional<std::string> artifact_of_version(db::Session& db, const std::string& chart_type,
                                               const std::string& version) {
  return id_in(db.run(sql::artifact_of_version, chart_type, version));
}

}  // namespace wrktalk::queue
