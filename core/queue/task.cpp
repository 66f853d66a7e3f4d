// SPDX-License-Identifier: Apache-2.0
#include "core/queue/task.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/target.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

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

}  // namespace

const char* const kTaskColumns =
    "t.id, t.type, t.status, t.target, t.release_artifact_id, "
    "coalesce(a.release_version, t.payload->>'target_version', t.result->>'version') AS version, "
    "t.payload::text AS payload, t.phase, t.claimed_by, t.error_message, t.result::text AS result, t.attempt, "
    "t.max_attempts, "
    "t.cancel_requested_at IS NOT NULL AS cancel_requested, t.execute_after, t.missed_after, t.created_at, "
    "t.picked_up_at, "
    "t.completed_at, "
    "t.last_heartbeat, t.lease_expires_at";

const char* const kIsDue =
    "(t.status = 'pending' AND t.execute_after <= now() AND (t.execute_after + t.missed_after < now()) IS NOT TRUE)";

void refuse_when_taken(db::Transaction& tx, const std::string& target, bool due_ones_may_wait) {
  tx.run("SELECT 1 FROM deployment_target WHERE name = $1 FOR UPDATE", target);
  const auto rows = tx.run(std::string("SELECT t.id, t.type, t.status") + kFrom +
                               "LEFT JOIN deployment_target d ON d.is_default AND d.kind = " + kKindOfArtifact +
                               " WHERE coalesce(t.target, d.name) = $1 AND (t.status = 'inProgress' "
                               "OR (NOT $2::boolean AND " +
                               kIsDue + ")) ORDER BY t.status LIMIT 1",
                           target, due_ones_may_wait);
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
  return task;
}

std::string start_time(db::Session& db, const std::string& text) {
  if (base::starts_with(text, "+")) {
    const auto delay = base::parse_duration(text.substr(1));
    return db.run("SELECT now() + $1::interval AS at", std::to_string(delay.count()) + " ms")[0]["at"].c_str();
  }
  try {
    return db.run("SELECT $1::timestamptz AS at", text)[0]["at"].c_str();
  } catch (const db::SqlError& e) {
    if (e.sqlstate().substr(0, 2) != "22") throw;
    throw Error(Kind::usage, "--at: " + std::string(e.what()), "write it like '2026-12-01 02:00 Europe/Berlin' or +2h");
  }
}

std::string enqueue(db::Session& db, const NewTask& task) {
  db::Transaction tx(db);
  const auto due = tx.run("SELECT coalesce($1::timestamptz <= now(), true) AS due", task.at);
  if (task.type == "deploy" && !task.queue_anyway && due[0]["due"].as<bool>()) {
    refuse_when_taken(tx, task.target, false);
  }
  std::optional<std::string> missed_after;
  if (task.missed_after) missed_after = std::to_string(task.missed_after->count()) + " milliseconds";
  const auto rows = tx.run(
      "INSERT INTO agent_task (type, release_artifact_id, target, payload, execute_after, missed_after) "
      "VALUES ($1, $2::uuid, $3, $4::jsonb, coalesce($5::timestamptz, now()), $6::interval) RETURNING id",
      task.type, task.artifact_id, task.target, to_json(task.payload), task.at, missed_after);
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
  std::vector<Task> tasks;
  for (const auto& row : db.run(std::string("SELECT ") + kTaskColumns + kFrom +
                                    "WHERE t.status = 'pending' ORDER BY t.execute_after > now(), "
                                    "CASE WHEN t.execute_after <= now() THEN t.type <> 'rollback' END, "
                                    "t.execute_after, t.created_at LIMIT $1",
                                limit)) {
    tasks.push_back(to_task(row));
  }
  return tasks;
}

Task find(db::Session& db, const std::string& id) {
  const Error missing(Kind::failed, "there is no task '" + base::one_line(id) + "'",
                      "list them with `wrktalk task list`");
  if (!looks_like_id(id)) throw missing;
  const auto rows =
      db.run(std::string("SELECT ") + kTaskColumns + kFrom + "WHERE t.id::text LIKE lower($1) || '%' LIMIT 2", id);
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
      "UPDATE agent_task SET status = 'pending', execute_after = now(), max_attempts = attempt + 3, "
      "cancel_requested_at = NULL, completed_at = NULL, error_message = NULL, result = NULL, updated_at = now() "
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
