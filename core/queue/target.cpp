// SPDX-License-Identifier: Apache-2.0
#include "core/queue/target.hpp"

#include "core/base/error.hpp"

namespace wrktalk::queue {
namespace {

constexpr const char* kSelect =
    "SELECT d.name, d.kind, d.is_default, d.current_artifact_id, d.previous_artifact_id, c.release_version AS "
    "current_version, "
    "p.release_version AS previous_version, d.revision, d.previous_revision, d.applied_at FROM deployment_target d "
    "LEFT JOIN release_artifact c ON c.id = d.current_artifact_id LEFT JOIN release_artifact p ON p.id = "
    "d.previous_artifact_id ";

std::optional<long> number(const db::Row& row, const char* column) {
  const auto field = row[column];
  if (field.is_null()) return std::nullopt;
  return field.as<long>();
}

TargetRow to_target(const db::Row& row) {
  TargetRow target;
  target.name = row["name"].c_str();
  target.kind = row["kind"].c_str();
  target.is_default = row["is_default"].as<bool>();
  target.current_artifact_id = db::text(row, "current_artifact_id");
  target.previous_artifact_id = db::text(row, "previous_artifact_id");
  target.current_version = db::text(row, "current_version");
  target.previous_version = db::text(row, "previous_version");
  target.revision = number(row, "revision");
  target.previous_revision = number(row, "previous_revision");
  target.applied_at = db::text(row, "applied_at");
  return target;
}

}  // namespace

const char* const kKindOfArtifact =
    "CASE a.chart_type WHEN 'helm' THEN 'kubernetes' WHEN 'compose' THEN 'docker' WHEN 'host' THEN 'host' END";

void require_schema(db::Session& db) {
  // The newest column of the newest migration.
  const auto row = db.run(
      "SELECT to_regclass('agent_task') AS base, (SELECT attname FROM pg_attribute WHERE attrelid = "
      "to_regclass('task_event') AND attname = 'written_by') AS ours")[0];
  if (!row["ours"].is_null()) return;
  throw base::Error(base::Kind::configuration,
                    row["base"].is_null() ? "the database has no agent tables"
                                          : "the agent's tables are older than this wrktalk needs",
                    "run `wrktalk migrate up --set agent`");
}

void register_target(db::Session& db, const Registration& target) {
  db::Transaction tx(db);
  // Serialises agents that start at once: only one of them may make the default target.
  tx.run("SELECT pg_advisory_xact_lock(hashtext('wrktalk.deployment_target'))");
  const auto known = tx.run("SELECT 1 FROM deployment_target WHERE name = $1", target.name);
  if (known.empty()) {
    const char* chart_type = target.kind == "kubernetes" ? "helm" : target.kind == "docker" ? "compose" : "host";
    tx.run(
        "INSERT INTO deployment_target (name, kind, is_default, current_artifact_id, previous_artifact_id, applied_at) "
        "SELECT $1, $2, free.yes, c.id, p.id, c.applied_at "
        "FROM (SELECT NOT EXISTS (SELECT FROM deployment_target WHERE kind = $2 AND is_default) AS yes) free "
        "LEFT JOIN LATERAL (SELECT id, applied_at FROM release_artifact WHERE free.yes AND is_current AND chart_type = "
        "$3 "
        "  ORDER BY applied_at DESC NULLS LAST LIMIT 1) c ON true "
        "LEFT JOIN LATERAL (SELECT id FROM release_artifact WHERE free.yes AND is_previous AND chart_type = $3 "
        "  ORDER BY applied_at DESC NULLS LAST LIMIT 1) p ON true",
        target.name, target.kind, chart_type);
  }
  tx.run(
      "INSERT INTO deployment_config (deployment_type, namespace, helm_release_name, compose_project_name, "
      "maintenance_mode_enabled) SELECT $1, nullif($2, ''), nullif($3, ''), nullif($4, ''), EXISTS (SELECT FROM "
      "maintenance_window WHERE expires_at IS NULL OR expires_at > now()) WHERE NOT EXISTS (SELECT FROM "
      "deployment_config)",
      target.kind, target.namespace_, target.helm_release_name, target.compose_project_name);
  tx.commit();
}

std::vector<TargetRow> targets(db::Session& db) {
  std::vector<TargetRow> out;
  for (const auto& row : db.run(std::string(kSelect) + "ORDER BY d.name")) out.push_back(to_target(row));
  return out;
}

std::optional<TargetRow> find_target(db::Session& db, const std::string& name) {
  const auto rows = db.run(std::string(kSelect) + "WHERE d.name = $1", name);
  if (rows.empty()) return std::nullopt;
  return to_target(rows[0]);
}

std::optional<TargetRow> default_target(db::Session& db, const std::string& kind) {
  const auto rows = db.run(std::string(kSelect) + "WHERE d.kind = $1 AND d.is_default", kind);
  if (rows.empty()) return std::nullopt;
  return to_target(rows[0]);
}

std::optional<long> revision_of(db::Session& db, const std::string& target, const std::string& artifact_id) {
  const auto rows = db.run(
      "SELECT (result->>'revision')::bigint AS revision FROM agent_task WHERE target = $1 AND status = 'completed' "
      "AND result->>'artifact_id' = $2 AND result->>'revision' ~ '^[0-9]{1,9}$' ORDER BY completed_at DESC LIMIT 1",
      target, artifact_id);
  if (rows.empty()) return std::nullopt;
  return rows[0]["revision"].as<long>();
}

std::optional<std::string> artifact_of_revision(db::Session& db, const std::string& target, long revision) {
  const auto rows = db.run(
      "SELECT a.id FROM agent_task t JOIN release_artifact a ON a.id::text = t.result->>'artifact_id' WHERE t.target = "
      "$1 AND t.status = 'completed' AND t.result->>'revision' = $2 ORDER BY t.completed_at DESC LIMIT 1",
      target, revision);
  if (rows.empty()) return std::nullopt;
  return std::string(rows[0]["id"].c_str());
}

std::optional<std::string> artifact_of_version(db::Session& db, const std::string& kind, const std::string& version) {
  const auto rows = db.run(std::string("SELECT a.id FROM release_artifact a WHERE a.release_version = $2 AND $1 = ") +
                               kKindOfArtifact + " ORDER BY a.created_at DESC LIMIT 1",
                           kind, version);
  if (rows.empty()) return std::nullopt;
  return std::string(rows[0]["id"].c_str());
}

}  // namespace wrktalk::queue
