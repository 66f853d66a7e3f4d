// SPDX-License-Identifier: Apache-2.0
#include "core/queue/task.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/target.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

constexpr const char* kTooLarge = "larger than 1 MB";  ///< what kTaskColumns says in place of such a document
constexpr const char* kFrom = " FROM agent_task t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id ";

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::optional<std::string> optional_text(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::nullopt;
  if (!at->is_string()) throw Error(Kind::failed, std::string("payload: ") + name + " must be a string");
  return at->get<std::string>();
}

bool looks_like_id(const std::string& text) {
  return !text.empty() && text.size() <= 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
}

/// SQL: how long task `t` has been due. Neither a sum of time and interval nor a difference of times may leave their range or meet an
/// infinity.
constexpr const char* kWaited = "now() - least(greatest(t.execute_after, '0001-01-01Z'::timestamptz), now())";

/// SQL: whether the time of task `t` has come and it has not missed its schedule. In a form whose share of the rows the server can guess:
/// it would not use the order of the indexes otherwise.
const std::string& has_come() {
  static const std::string sql = std::string(
                                     "t.status = 'pending' AND t.execute_after <= now() AND (t.missed_after IS "
                                     "NULL OR ") +
                                 kWaited + " <= t.missed_after)";
  return sql;
}

/// `$1` as timestamptz by way of `expression`, when agents can reckon with it.
template <typename Connection>
std::string checked_time(Connection& db, const std::string& expression, const std::string& parameter,
                         const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    return Error(Kind::usage, "--at: " + why, "write it like '2026-12-01 02:00 Europe/Berlin' or +2h");
  };
  try {
    const auto row = db.run(
        "SELECT at, isfinite(at) AND at < '10000-01-01Z' AS fits FROM (SELECT " + expression + " AS at) AS asked",
        parameter)[0];
    if (!row["fits"].template as<bool>()) throw refuse("'" + base::one_line(text) + "' never comes");
    return row["at"].c_str();
  } catch (const db::SqlError& e) {
    if (e.sqlstate().substr(0, 2) != "22") throw;
    throw refuse(e.what());
  }
}

StoredGoal goal_of(const db::Result& rows) {
  return {std::string(rows[0]["id"].c_str()), std::string(rows[0]["release_version"].c_str()), std::nullopt};
}

}  // namespace

std::optional<StoredGoal> fixed_goal(db::Transaction& tx, const NewTask& task) {
  const auto& payload = task.payload;
  if (payload.target_revision) return std::nullopt;
  if (const auto id = task.artifact_id ? task.artifact_id : payload.target_version) {
    const auto rows = tx.run("SELECT id, release_version FROM release_artifact WHERE id::text = lower($1)", id);
    if (rows.empty()) return std::nullopt;
    return goal_of(rows);
  }
  if (task.type != "rollback") return std::nullopt;
  const auto rows = tx.run(
      "SELECT a.id, a.release_version FROM deployment_target d JOIN release_artifact a ON a.id = "
      "d.previous_artifact_id WHERE d.name = $1",
      task.target);
  if (rows.empty()) {
    throw Error(Kind::failed, "there is no previous release on " + task.target,
                "name one with --to-version; `wrktalk release list` shows what is stored");
  }
  return goal_of(rows);
}

const char* const kTaskColumns =
    "t.id, t.type, t.status, t.target, t.release_artifact_id, left(coalesce(a.release_version, "
    "t.payload->>'target_version', t.goal->>'version', t.result->>'version'), 200) AS version, "
    "CASE WHEN pg_column_size(t.payload) > 1000000 OR octet_length(t.payload::text) > 1000000 THEN '\"larger than 1 "
    "MB\"' ELSE "
    "t.payload::text END AS payload, "
    "CASE WHEN pg_column_size(t.result) > 1000000 OR octet_length(t.result::text) > 1000000 THEN '\"larger than 1 "
    "MB\"' ELSE "
    "t.result::text END AS result, "
    "CASE WHEN pg_column_size(t.goal) > 1000000 OR octet_length(t.goal::text) > 1000000 THEN '\"larger than 1 MB\"' "
    "ELSE "
    "t.goal::text END AS goal, "
    "CASE WHEN pg_column_size(t.before) > 1000000 OR octet_length(t.before::text) > 1000000 THEN '\"larger than 1 "
    "MB\"' ELSE "
    "t.before::text END AS before, "
    "t.phase, t.claimed_by, left(t.error_message, 100000) AS error_message, t.attempt, t.max_attempts, "
    "t.cancel_requested_at IS NOT NULL AS cancel_requested, t.execute_after, t.missed_after, t.created_at, "
    "t.picked_up_at, t.completed_at, t.last_heartbeat, t.lease_expires_at, t.reached, t.held_until";

const std::string& has_missed() {
  static const std::string sql = std::string(
                                     "(t.status = 'pending' AND t.missed_after IS NOT NULL AND t.execute_after "
                                     "<= now() AND ") +
                                 kWaited + " > t.missed_after)";
  return sql;
}

const std::string& is_due() {
  static const std::string sql = "(" + has_come() + " AND (t.held_until IS NULL OR t.held_until <= now()))";
  return sql;
}

void refuse_when_taken(db::Transaction& tx, const std::string& target, bool due_ones_may_wait) {
  tx.run("SELECT 1 FROM deployment_target WHERE name = $1 FOR UPDATE", target);
  // One that waits for a busy target stands in the way too: a later task may not overtake it.
  static const std::string sql = [] {
    const std::string columns =
        "SELECT t.id, t.type, t.status, t.target, t.release_artifact_id FROM agent_task t WHERE ";
    const std::string due = columns + "NOT $2::boolean AND " + has_come() + " AND t.target ";
    return "WITH other AS (" + columns + "t.status = 'inProgress' UNION ALL (" + due + "= $1 LIMIT 1) UNION ALL (" +
           due +
           "IS NULL)) SELECT t.id, t.type, t.status FROM other t LEFT JOIN release_artifact a ON a.id = "
           "t.release_artifact_id LEFT JOIN deployment_target d ON d.is_default AND d.kind = " +
           kKindOfArtifact + " WHERE coalesce(t.target, d.name) = $1 ORDER BY t.status LIMIT 1";
  }();
  const auto rows = tx.run(sql, target, due_ones_may_wait);
  if (rows.empty()) return;
  const std::string id = rows[0]["id"].c_str();
  const bool running = std::string(rows[0]["status"].c_str()) == to_text(Status::in_progress);
  throw Error(
      Kind::busy,
      target + " is taken: " + rows[0]["type"].c_str() + " task " + id + (running ? " is in progress" : " is due"),
      "follow it with `wrktalk task show " + id + "`, or queue behind it with --queue --queue-anyway");
}

const char* to_text(Status status) noexcept {
  switch (status) {
    case Status::pending: return "pending";
    case Status::in_progress: return "inProgress";
    case Status::completed: return "completed";
    case Status::failed: return "failed";
    case Status::cancelled: return "cancelled";
  }
  return "";
}

std::optional<Status> parse_status(const std::string& text) {
  for (const auto status :
       {Status::pending, Status::in_progress, Status::completed, Status::failed, Status::cancelled}) {
    if (text == to_text(status)) return status;
  }
  return std::nullopt;
}

std::string to_json(const Payload& payload) {
  json out = json::object();
  if (payload.target_version) out["target_version"] = *payload.target_version;
  if (payload.target_revision) out["target_revision"] = *payload.target_revision;
  if (payload.note) out["note"] = *payload.note;
  if (payload.requested_by) out["requested_by"] = *payload.requested_by;
  if (payload.ignore_schema) out["ignore_schema"] = true;
  return dump(out);
}

Payload parse_payload(const std::optional<std::string>& text) {
  Payload payload;
  if (!text) return payload;
  const json object = json::parse(*text, nullptr, false);
  if (object == kTooLarge) {
    throw Error(Kind::failed, std::string("payload is ") + kTooLarge, "queue the task again, with a shorter note");
  }
  if (!object.is_object()) throw Error(Kind::failed, "payload must be a JSON object");
  payload.target_version = optional_text(object, "target_version");
  payload.note = optional_text(object, "note");
  payload.requested_by = optional_text(object, "requested_by");
  if (const auto at = object.find("ignore_schema"); at != object.end()) {
    if (!at->is_boolean()) throw Error(Kind::failed, "payload: ignore_schema must be true or false");
    payload.ignore_schema = at->get<bool>();
  }
  if (const auto at = object.find("target_revision"); at != object.end() && !at->is_null()) {
    if (!at->is_number_integer() || at->get<long>() < 1) {
      throw Error(Kind::failed, "payload: target_revision must be a positive whole number");
    }
    payload.target_revision = at->get<long>();
  }
  return payload;
}

Task to_task(const db::Row& row) {
  Task task;
  task.id = row["id"].c_str();
  task.type = row["type"].c_str();
  task.status = row["status"].c_str();
  task.target = db::text(row, "target");
  task.artifact_id = db::text(row, "release_artifact_id");
  task.version = db::text(row, "version");
  task.payload = db::text(row, "payload");
  task.phase = db::text(row, "phase");
  task.claimed_by = db::text(row, "claimed_by");
  task.error_message = db::text(row, "error_message");
  task.result = db::text(row, "result");
  task.attempt = row["attempt"].as<int>();
  task.max_attempts = row["max_attempts"].as<int>();
  task.cancel_requested = row["cancel_requested"].as<bool>();
  task.execute_after = row["execute_after"].c_str();
  task.missed_after = db::text(row, "missed_after");
  task.created_at = db::text(row, "created_at").value_or("");
  task.picked_up_at = db::text(row, "picked_up_at");
  task.completed_at = db::text(row, "completed_at");
  task.last_heartbeat = db::text(row, "last_heartbeat");
  task.lease_expires_at = db::text(row, "lease_expires_at");
  task.goal = db::text(row, "goal");
  task.before = db::text(row, "before");
  task.reached = db::text(row, "reached");
  task.held_until = db::text(row, "held_until");
  return task;
}

std::string start_time(db::Session& db, const std::string& text) {
  if (!base::starts_with(text, "+")) return checked_time(db, "$1::timestamptz", text, text);
  const auto delay = base::parse_duration(text.substr(1));
  return checked_time(db, "now() + $1::interval", std::to_string(delay.count()) + " ms", text);
}

std::string enqueue(db::Session& db, const NewTask& task) {
  constexpr std::chrono::hours kLongest{24 * 3650};
  if (task.missed_after && (task.missed_after->count() < 0 || *task.missed_after > kLongest)) {
    throw Error(Kind::usage, "--missed-after must lie between 0 and 3650 days", "write it like 1h or 2d");
  }
  db::Transaction tx(db);
  if (task.at) checked_time(tx, "$1::timestamptz", *task.at, *task.at);
  const auto due = tx.run("SELECT coalesce($1::timestamptz <= now(), true) AS due", task.at);
  if (task.type == "deploy" && !task.queue_anyway && due[0]["due"].as<bool>()) {
    refuse_when_taken(tx, task.target, false);
  }
  std::optional<std::string> missed_after;
  if (task.missed_after) missed_after = std::to_string(task.missed_after->count()) + " milliseconds";
  std::optional<std::string> goal;
  if (const auto fixed = fixed_goal(tx, task)) goal = to_json(*fixed);
  const auto rows = tx.run(
      "INSERT INTO agent_task (type, release_artifact_id, target, payload, execute_after, missed_after, goal) VALUES "
      "($1, $2::uuid, $3, $4::jsonb, coalesce($5::timestamptz, now()), $6::interval, $7::jsonb) RETURNING id",
      task.type, task.artifact_id, task.target, to_json(task.payload), task.at, missed_after, goal);
  tx.commit();
  return rows[0]["id"].c_str();
}

std::vector<Task> list(db::Session& db, const Filter& filter) {
  const auto rows = db.run(std::string("SELECT ") + kTaskColumns + kFrom +
                               "WHERE ($1::text IS NULL OR t.status = $1) AND ($2::text IS NULL OR t.target = $2) "
                               "ORDER BY t.created_at DESC, t.id LIMIT $3",
                           filter.status, filter.target, filter.limit);
  std::vector<Task> tasks;
  for (const auto& row : rows) tasks.push_back(to_task(row));
  return tasks;
}

std::vector<Task> upcoming(db::Session& db, int limit) {
  // Three looks, each in the order of an index.
  const std::string pending = std::string("SELECT ") + kTaskColumns + kFrom + "WHERE t.status = 'pending' AND ";
  std::vector<Task> tasks;
  for (const char* part : {"t.execute_after <= now() AND t.type = 'rollback'",
                           "t.execute_after <= now() AND t.type <> 'rollback'", "t.execute_after > now()"}) {
    const int left = limit - static_cast<int>(tasks.size());
    for (const auto& row : db.run(pending + part + " ORDER BY t.execute_after, t.created_at LIMIT $1", left)) {
      tasks.push_back(to_task(row));
    }
  }
  return tasks;
}

Task find(db::Session& db, const std::string& id) {
  const Error missing(Kind::failed, "there is no task '" + base::one_line(id) + "'",
                      "list them with `wrktalk task list`");
  if (!looks_like_id(id)) throw missing;
  const auto rows =
      db.run(std::string("SELECT ") + kTaskColumns + kFrom +
                 "WHERE t.id BETWEEN rpad(replace($1, '-', ''), 32, '0')::uuid AND rpad(replace($1, '-', ''), 32, "
                 "'f')::uuid AND t.id::text LIKE lower($1) || '%' LIMIT 2",
             id);
  if (rows.empty()) throw missing;
  if (rows.size() > 1) throw Error(Kind::failed, "more than one task begins with " + id, "give more of its id");
  return to_task(rows[0]);
}

std::vector<Event> events(db::Session& db, const std::string& task_id, long after_id) {
  std::vector<Event> out;
  for (const auto& row :
       db.run("SELECT id, at, attempt, phase, message, data::text AS data FROM task_event WHERE task_id "
              "= $1::uuid AND id > $2 ORDER BY id",
              task_id, after_id)) {
    out.push_back({row["id"].as<long>(), row["at"].c_str(), row["attempt"].as<int>(), row["phase"].c_str(),
                   row["message"].c_str(), db::text(row, "data")});
  }
  return out;
}

std::string cancel(db::Session& db, const std::string& id) {
  const auto rows = db.run(
      "UPDATE agent_task SET cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now(), "
      "status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END, "
      "completed_at = CASE status WHEN 'pending' THEN now() END, "
      "error_message = CASE status WHEN 'pending' THEN 'cancelled before it began' END "
      "WHERE id = $1::uuid AND (status = 'pending' OR (status = 'inProgress' AND claim_token IS NOT NULL)) RETURNING "
      "status",
      id);
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " has ended, or a v4.2 agent runs it: it cannot be cancelled",
                "look at it with `wrktalk task show " + id + "`");
  }
  return std::string(rows[0]["status"].c_str()) == "cancelled" ? "cancelled" : "requested";
}

void retry(db::Session& db, const std::string& id) {
  const auto rows = db.run(
      "UPDATE agent_task SET status = 'pending', execute_after = now(), max_attempts = least(attempt::bigint + 3, "
      "2147483647)::int, "
      "cancel_requested_at = NULL, completed_at = NULL, error_message = NULL, result = NULL, before = NULL, reached = "
      "NULL, held_until = NULL, guard = NULL, updated_at = now() "
      "WHERE id = $1::uuid AND status IN ('failed', 'cancelled') RETURNING id",
      id);
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " is neither failed nor cancelled",
                "look at it with `wrktalk task show " + id + "`");
  }
}

void reschedule(db::Session& db, const std::string& id, const std::string& at) {
  const auto rows = db.run(
      "UPDATE agent_task SET execute_after = $2::timestamptz, updated_at = now() WHERE id = $1::uuid AND status = "
      "'pending' RETURNING id",
      id, start_time(db, at));
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " is no longer pending", "look at it with `wrktalk task show " + id + "`");
  }
}

}  // namespace wrktalk::queue
