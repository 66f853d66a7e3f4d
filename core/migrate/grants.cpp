// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/grants.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"
#include "core/migrate/sql.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using db::quote_identifier;
using db::quote_literal;

enum class Duty { agent, publisher, reader, backend };

struct Right {
  Duty duty;
  const char* object;
  const char* privilege;
  const char* columns = nullptr;  ///< with commas; null: the whole object
};

constexpr const char* kRemoveTasks = "wrktalk_remove_tasks(uuid[], integer)";

// Generated values (id, at, written_by) are nobody's to write.
constexpr Right kRights[] = {
    {Duty::agent, "agent_task", "SELECT"},
    {Duty::agent, "agent_task", "INSERT",
     "type, release_artifact_id, target, payload, goal, status, execute_after, missed_after, attempt, claimed_by, "
     "claim_token, lease_expires_at, picked_up_at, last_heartbeat, phase, next_task"},
    {Duty::agent, "agent_task", "UPDATE",
     "status, target, execute_after, attempt, max_attempts, claimed_by, claim_token, lease_expires_at, picked_up_at, "
     "completed_at, last_heartbeat, updated_at, phase, guard, goal, before, reached, held_until, cancel_requested_at, "
     "result, error_message"},
    {Duty::agent, "task_event", "SELECT"},
    {Duty::agent, "task_event", "INSERT", "task_id, attempt, phase, message, data"},
    {Duty::agent, kRemoveTasks, "EXECUTE"},
    {Duty::agent, "deployment_target", "SELECT"},
    {Duty::agent, "deployment_target", "INSERT",
     "name, kind, chart_type, is_default, current_artifact_id, previous_artifact_id, applied_at"},
    {Duty::agent, "deployment_target", "UPDATE",
     "current_artifact_id, previous_artifact_id, revision, previous_revision, applied_at"},
    {Duty::agent, "agent_instance", "SELECT"},
    {Duty::agent, "agent_instance", "INSERT", "id, agent_id, version, targets, host, process"},
    {Duty::agent, "agent_instance", "UPDATE", "host, process, last_seen, silence_told_at"},
    {Duty::agent, "agent_instance", "DELETE"},
    {Duty::agent, "maintenance_window", "SELECT"},
    {Duty::agent, "maintenance_window", "INSERT", "owner, agent_id, target, reason, opened_by, expires_at, was_shown"},
    {Duty::agent, "maintenance_window", "UPDATE", "reason, opened_at, expires_at, was_shown, proxy"},
    {Duty::agent, "maintenance_window", "DELETE"},
    {Duty::agent, "maintenance_window_now", "SELECT"},
    {Duty::agent, "notification", "SELECT"},
    {Duty::agent, "notification", "INSERT", "event, event_key, task_id, recipient, data"},
    {Duty::agent, "notification", "UPDATE", "status, attempts, next_attempt_at, last_error, sent_at"},
    {Duty::agent, "notification", "DELETE"},
    {Duty::agent, "release_artifact", "SELECT"},
    {Duty::agent, "release_artifact", "UPDATE", "is_current, is_previous, applied_at"},
    {Duty::agent, "release_artifact_chunk", "SELECT"},
    {Duty::agent, "image_blob", "SELECT"},
    {Duty::agent, "image_blob_chunk", "SELECT"},
    {Duty::agent, "release_image", "SELECT"},
    {Duty::agent, "release_image_blob", "SELECT"},
    {Duty::agent, "admin", "SELECT", "name, email, is_active, created_at"},
    {Duty::agent, "server_env", "SELECT", "key"},
    {Duty::agent, "server_env", "INSERT", "key, value, category, description, updated_by"},
    {Duty::agent, "deployment_config", "SELECT"},
    {Duty::agent, "deployment_config", "INSERT",
     "deployment_type, namespace, helm_release_name, compose_project_name, maintenance_mode_enabled"},
    {Duty::agent, "deployment_config", "UPDATE", "maintenance_mode_enabled, last_agent_poll, updated_at"},
    {Duty::agent, "site_revision", "SELECT"},
    {Duty::agent, "site_revision", "INSERT", "target, revision, requested_by"},
    {Duty::agent, "site_setting", "SELECT"},
    {Duty::agent, "site_setting", "INSERT", "target, revision, name, value, is_secret, set_in"},
    {Duty::agent, "site_setting", "DELETE"},
    {Duty::agent, "site_use", "SELECT"},
    {Duty::agent, "site_use", "INSERT", "task_id, revision, file_sha256"},
    {Duty::agent, "site_use", "DELETE"},
    {Duty::agent, "wrktalk_migration", "SELECT"},

    {Duty::publisher, "release_artifact", "SELECT"},
    {Duty::publisher, "release_artifact", "INSERT",
     "id, release_version, chart_type, artifact_data, env_data, values_data, sha256, size_bytes, chunked, "
     "requires_schema, server_env, manifest"},
    {Duty::publisher, "release_artifact_chunk", "SELECT"},
    {Duty::publisher, "release_artifact_chunk", "INSERT", "artifact_id, seq, data"},
    {Duty::publisher, "image_blob", "SELECT"},
    {Duty::publisher, "image_blob", "INSERT", "digest, size_bytes"},
    {Duty::publisher, "image_blob_chunk", "SELECT"},
    {Duty::publisher, "image_blob_chunk", "INSERT", "digest, seq, data"},
    {Duty::publisher, "release_image", "SELECT"},
    {Duty::publisher, "release_image", "INSERT", "artifact_id, reference, digest, media_type, platforms, size_bytes"},
    {Duty::publisher, "release_image_blob", "SELECT"},
    {Duty::publisher, "release_image_blob", "INSERT", "artifact_id, digest, media_type"},

    // Neither passwords nor what a release or its settings hold.
    {Duty::reader, "agent_task", "SELECT"},
    {Duty::reader, "task_event", "SELECT"},
    {Duty::reader, "deployment_target", "SELECT"},
    {Duty::reader, "agent_instance", "SELECT"},
    {Duty::reader, "maintenance_window", "SELECT"},
    {Duty::reader, "maintenance_window_now", "SELECT"},
    {Duty::reader, "notification", "SELECT"},
    {Duty::reader, "release_artifact", "SELECT",
     "id, release_version, chart_type, sha256, size_bytes, chunked, is_current, is_previous, downloaded_at, "
     "prepared_at, applied_at, created_at, requires_schema, manifest"},
    {Duty::reader, "release_artifact_chunk", "SELECT", "artifact_id, seq"},
    {Duty::reader, "image_blob", "SELECT"},
    {Duty::reader, "image_blob_chunk", "SELECT", "digest, seq"},
    {Duty::reader, "release_image", "SELECT"},
    {Duty::reader, "release_image_blob", "SELECT"},
    {Duty::reader, "admin", "SELECT", "id, is_active"},
    {Duty::reader, "server_env", "SELECT", "id, key, category"},
    {Duty::reader, "deployment_config", "SELECT",
     "id, deployment_type, namespace, helm_release_name, compose_project_name, maintenance_mode_enabled, "
     "last_agent_poll, created_at, updated_at"},
    {Duty::reader, "site_revision", "SELECT"},
    {Duty::reader, "site_setting", "SELECT", "target, revision, name, is_secret, set_in"},
    {Duty::reader, "wrktalk_migration", "SELECT"},

    // v4.2's own columns. To remove a task is to remove its story: that is `wrktalk task prune`'s.
    {Duty::backend, "agent_task", "SELECT"},
    {Duty::backend, "agent_task", "INSERT",
     "id, type, status, release_artifact_id, execute_after, picked_up_at, completed_at, last_heartbeat, result, "
     "error_message, created_at, updated_at"},
    {Duty::backend, "agent_task", "UPDATE",
     "type, status, release_artifact_id, execute_after, picked_up_at, completed_at, last_heartbeat, result, "
     "error_message, created_at, updated_at"},
    {Duty::backend, "release_artifact", "SELECT"},
    {Duty::backend, "release_artifact", "INSERT",
     "id, release_version, chart_type, artifact_data, env_data, values_data, sha256, is_current, is_previous, "
     "downloaded_at, prepared_at, applied_at, created_at"},
    {Duty::backend, "release_artifact", "UPDATE",
     "release_version, chart_type, artifact_data, env_data, values_data, sha256, is_current, is_previous, "
     "downloaded_at, prepared_at, applied_at, created_at"},
    {Duty::backend, "release_artifact", "DELETE"},
    {Duty::backend, "admin", "SELECT"},
    {Duty::backend, "admin", "INSERT"},
    {Duty::backend, "admin", "UPDATE"},
    {Duty::backend, "admin", "DELETE"},
    {Duty::backend, "server_env", "SELECT"},
    {Duty::backend, "server_env", "INSERT"},
    {Duty::backend, "server_env", "UPDATE"},
    {Duty::backend, "server_env", "DELETE"},
    {Duty::backend, "deployment_config", "SELECT"},
    {Duty::backend, "deployment_config", "INSERT"},
    {Duty::backend, "deployment_config", "UPDATE"},
    {Duty::backend, "deployment_config", "DELETE"},
};

/// What lies in the agent's database when the application's checkpoints do, too: for `requires-schema` and `verify`.
constexpr Right kCheckpointRights[] = {
    {Duty::agent, "checkpoint_migrations", "SELECT"},
    {Duty::reader, "checkpoint_migrations", "SELECT"},
    {Duty::reader, "checkpoints", "SELECT", "thread_id, checkpoint_ns, checkpoint_id"},
    {Duty::reader, "checkpoint_blobs", "SELECT", "thread_id"},
    {Duty::reader, "checkpoint_writes", "SELECT", "thread_id"},
};

const std::set<std::string> kV42Rights = {"SELECT", "INSERT", "UPDATE", "DELETE"};
const std::set<std::string> kV42Tables = {"admin", "agent_task", "deployment_config", "release_artifact", "server_env"};

/// Triggers run them; nobody else needs to.
constexpr const char* kTriggerFunctions[] = {"wrktalk_notify_added()", "wrktalk_notify_task()", "wrktalk_v42_claim()",
                                             "wrktalk_end_link()"};

/// All objects of the agent's set.
std::vector<std::string> objects() {
  std::vector<std::string> all(std::begin(kTriggerFunctions), std::end(kTriggerFunctions));
  for (const auto& right : kRights) {
    if (std::find(all.begin(), all.end(), right.object) == all.end()) all.emplace_back(right.object);
  }
  return all;
}

const std::vector<std::string>& roles_of(Duty duty, const Grantees& grantees) {
  switch (duty) {
    case Duty::agent: return grantees.agents;
    case Duty::publisher: return grantees.publishers;
    case Duty::reader: return grantees.readers;
    case Duty::backend: break;
  }
  return grantees.backends;
}

std::string qualified(const std::string& schema, const std::string& object) {
  return quote_identifier(schema) + "." + object;
}

std::string on(const std::string& schema, const std::string& object) {
  return (object.back() == ')' ? " ON FUNCTION " : " ON ") + qualified(schema, object);
}

std::string quoted(const std::vector<std::string>& roles) {
  std::vector<std::string> names;
  for (const auto& role : roles) names.push_back(quote_identifier(role));
  return base::join(names, ", ");
}

/// The database as far as grants need it.
struct Ground {
  std::string database;
  std::string owner;
  std::string schema;
  std::string checkpoint_schema;  ///< empty: there are no checkpoint tables, or they are not ours to grant
};

Ground survey_ground(db::raw::Connection& connection, base::Pulse& pulse) {
  const auto found = connection.query(sql::ground, {std::string(kRemoveTasks)}, pulse, Deadline::never());
  if (found.rows.empty()) {
    throw Error(Kind::configuration, "the agent's tables are missing, or older than this wrktalk needs",
                "run `wrktalk migrate up --set agent`");
  }
  const auto of = [&](const char* column) { return found.at(0, column).value_or(""); };
  return {of("database"), of("owner"), of("schema"), of("checkpoint_schema")};
}

std::vector<std::string> all_roles(const Grantees& grantees) {
  std::vector<std::string> all;
  for (const auto duty : {Duty::agent, Duty::publisher, Duty::reader, Duty::backend}) {
    for (const auto& role : roles_of(duty, grantees)) {
      if (std::find(all.begin(), all.end(), role) == all.end()) all.push_back(role);
    }
  }
  return all;
}

/// What the roles lack to get to the tables at all. Refuses those that grants cannot limit.
std::vector<std::string> way_in(db::raw::Connection& connection, const Ground& ground,
                                const std::vector<std::string>& roles, base::Pulse& pulse) {
  const auto found =
      connection.query(sql::way_in, {db::Param(roles).c_str(), ground.owner, ground.schema, ground.checkpoint_schema},
                       pulse, Deadline::never());
  std::vector<std::string> statements;
  for (std::size_t i = 0; i < found.rows.size(); ++i) {
    const auto has = [&](const char* column) { return found.at(i, column) == "t"; };
    const std::string role = found.at(i, "name").value_or("");
    if (!has("is_there")) {
      throw Error(Kind::configuration, "there is no role " + base::one_line(role),
                  "make it: CREATE ROLE " + quote_identifier(role) + " LOGIN");
    }
    if (has("is_owner")) {
      throw Error(Kind::configuration,
                  "role " + base::one_line(role) + " has all rights of " + ground.owner +
                      ", who owns the tables: grants cannot limit it",
                  "name a role that is no superuser, does not own the tables and is no member of their owner");
    }
    const auto give = [&](const std::string& right) {
      statements.push_back("GRANT " + right + " TO " + quote_identifier(role));
    };
    if (!has("may_connect")) give("CONNECT ON DATABASE " + quote_identifier(ground.database));
    if (!has("may_use_schema")) give("USAGE ON SCHEMA " + quote_identifier(ground.schema));
    if (!has("may_use_checkpoint_schema")) give("USAGE ON SCHEMA " + quote_identifier(ground.checkpoint_schema));
  }
  return statements;
}

void refuse_both(const Grantees& grantees) {
  for (const auto& role : grantees.backends) {
    for (const auto duty : {Duty::agent, Duty::publisher}) {
      const auto& others = roles_of(duty, grantees);
      if (std::find(others.begin(), others.end(), role) == others.end()) continue;
      throw Error(Kind::usage, "role " + base::one_line(role) + " cannot be a v4.2 backend and an agent or publisher",
                  "give each a role of its own");
    }
  }
}

std::string grant(const std::string& schema, const Right& right, const std::vector<std::string>& roles) {
  const std::string columns = right.columns == nullptr ? std::string() : std::string(" (") + right.columns + ")";
  return std::string("GRANT ") + right.privilege + columns + on(schema, right.object) + " TO " + quoted(roles);
}

/// A right that somebody has.
struct Held {
  std::string object;
  std::string role;
  std::string privilege;
  std::string column;  ///< empty: on the whole object
};

std::vector<Held> held_rights(db::raw::Connection& connection, const std::string& schema, base::Pulse& pulse) {
  const auto found = connection.query(sql::held_rights, {quote_identifier(schema), db::Param(objects()).c_str()}, pulse,
                                      Deadline::never());
  std::vector<Held> all;
  for (std::size_t i = 0; i < found.rows.size(); ++i) {
    const auto of = [&](const char* column) { return found.at(i, column).value_or(""); };
    all.push_back({of("object"), of("role"), of("privilege"), of("column")});
  }
  return all;
}

bool names(const char* columns, const std::string& column) {
  const auto all = base::split(columns, ',');
  return std::any_of(all.begin(), all.end(), [&](const auto& name) { return base::trim(name) == column; });
}

bool is_needed(const Held& held, bool by_v42) {
  if (by_v42 && kV42Tables.count(held.object) != 0 && kV42Rights.count(held.privilege) != 0) return true;
  return std::any_of(std::begin(kRights), std::end(kRights), [&](const Right& right) {
    if (by_v42 ? right.duty != Duty::reader : right.duty == Duty::backend) return false;
    return held.object == right.object && held.privilege == right.privilege &&
           (right.columns == nullptr || (!held.column.empty() && names(right.columns, held.column)));
  });
}

}  // namespace

std::vector<std::string> grant_statements(db::raw::Connection& connection, const Grantees& grantees,
                                          base::Pulse& pulse) {
  refuse_both(grantees);
  const Ground ground = survey_ground(connection, pulse);
  const auto roles = all_roles(grantees);
  std::vector<std::string> statements;
  for (const auto& object : objects()) {
    statements.push_back("REVOKE ALL" + on(ground.schema, object) + " FROM PUBLIC, " + quoted(roles));
  }
  const auto entry = way_in(connection, ground, roles, pulse);
  statements.insert(statements.end(), entry.begin(), entry.end());
  for (const auto& right : kRights) {
    const auto& to = roles_of(right.duty, grantees);
    if (!to.empty()) statements.push_back(grant(ground.schema, right, to));
  }
  if (ground.checkpoint_schema.empty()) return statements;
  for (const auto& right : kCheckpointRights) {
    const auto& to = roles_of(right.duty, grantees);
    if (!to.empty()) statements.push_back(grant(ground.checkpoint_schema, right, to));
  }
  return statements;
}

void apply_grants(db::raw::Connection& connection, const std::vector<std::string>& statements, base::Pulse& pulse) {
  connection.script("BEGIN; " + base::join(statements, "; ") + "; COMMIT", pulse, Deadline::never());
}

std::vector<std::string> missing_agent_rights(db::raw::Connection& connection, const Site& site, base::Pulse& pulse) {
  std::vector<std::string> objects, privileges, columns;
  for (const auto& right : kRights) {
    if (right.duty != Duty::agent) continue;
    objects.emplace_back(right.object);
    privileges.emplace_back(right.privilege);
    columns.emplace_back(right.columns == nullptr ? "" : right.columns);
  }
  const auto found = connection.query(sql::missing_rights,
                                      {quote_identifier(site.schema), db::Param(objects).c_str(),
                                       db::Param(privileges).c_str(), db::Param(columns).c_str()},
                                      pulse, Deadline::never());
  std::vector<std::string> missing;
  for (const auto& row : found.rows) missing.push_back(row.at(0).value());
  return missing;
}

std::vector<std::string> excess_rights(db::raw::Connection& connection, const Site& site, base::Pulse& pulse) {
  const auto held = held_rights(connection, site.schema, pulse);
  std::set<std::string> writers;  // of tables that v4.2 does not know
  for (const auto& right : held) {
    if (kV42Tables.count(right.object) == 0 && right.privilege != "SELECT") writers.insert(right.role);
  }
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> excess;
  for (const auto& right : held) {
    const bool is_public = right.role == "PUBLIC";
    if (!is_public && is_needed(right, writers.count(right.role) == 0)) continue;
    excess[{right.object, right.role}].push_back(right.privilege +
                                                 (right.column.empty() ? std::string() : " (" + right.column + ")"));
  }
  std::vector<std::string> texts;
  for (const auto& [where, rights] : excess) {
    texts.push_back("rights of " + where.second + " on " + where.first + ": not expected, found " +
                    base::join(rights, ", "));
  }
  return texts;
}

}  // namespace wrktalk::migrate
