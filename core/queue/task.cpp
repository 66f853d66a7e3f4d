// SPDX-License-Identifier: Apache-2.0
#include "core/queue/task.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/sql.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

constexpr const char* kTooLarge = "larger than 1 MB";  ///< what _task_columns.sql says in place of such a document

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

bool optional_flag(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end()) return false;
  if (!at->is_boolean()) throw Error(Kind::failed, std::string("payload: ") + name + " must be true or false");
  return at->get<bool>();
}

std::optional<std::string> optional_text(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::nullopt;
  if (!at->is_string()) throw Error(Kind::failed, std::string("payload: ") + name + " must be a string");
  return at->get<std::string>();
}

bool looks_like_id(const std::string& text) {
  return !text.empty() && text.size() <= 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
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
  const auto rows = tx.run(sql::previous_release, task.target);
  if (rows.empty()) {
    throw Error(Kind::failed, "there is no previous release on " + task.target,
                "name one with --to-version; `wrktalk release list` shows what is stored");
  }
  return goal_of(rows);
}

void refuse_when_taken(db::Transaction& tx, const std::string& target, bool due_ones_may_wait) {
  tx.run(sql::lock_target, target);
  const auto rows = tx.run(sql::task_in_the_way, target, due_ones_may_wait);
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
  if (payload.update_crds) out["update_crds"] = true;
  if (payload.accept_loss) out["accept_loss"] = true;
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
  payload.ignore_schema = optional_flag(object, "ignore_schema");
  payload.update_crds = optional_flag(object, "update_crds");
  payload.accept_loss = optional_flag(object, "accept_loss");
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
  task.after_task = db::text(row, "after_task");
  task.next_task = db::text(row, "next_task");
  return task;
}

std::vector<Task> to_tasks(const db::Result& rows) {
  std::vector<Task> tasks;
  for (const auto& row : rows) tasks.push_back(to_task(row));
  return tasks;
}

StartTime start_time(db::Session& db, const std::string& text, Past past) {
  StartTime start;
  if (base::starts_with(text, "+")) {
    // A bare number means seconds elsewhere: here somebody means hours.
    if (text.find_first_not_of("+0123456789. ") == std::string::npos) {
      throw Error(Kind::usage, "--at: '" + base::one_line(text) + "' has no unit", "write it like +30m, +2h or +1d");
    }
    const auto delay = base::parse_duration(text.substr(1));
    start.at = checked_time(db, "now() + $1::interval", std::to_string(delay.count()) + " ms", text);
  } else {
    start.at = checked_time(db, "$1::timestamptz", text, text);
  }
  const auto row = db.run(sql::explain_time, start.at)[0];
  const std::chrono::seconds left(row["seconds"].as<long>());
  start.shown = std::string(row["local"].c_str()) + " (time zone " + row["zone"].c_str() + "), ";
  start.shown += left.count() < 0 ? base::human_duration(-left) + " ago" : "in " + base::human_duration(left);
  if (left < -std::chrono::minutes(1) && past == Past::refused) {
    throw Error(
        Kind::usage, "--at: '" + base::one_line(text) + "' has passed: it is " + start.shown,
        "give a time to come, with its zone, like '2026-12-01 02:00 Europe/Berlin'; or add --now to begin at once");
  }
  return start;
}

std::string enqueue(db::Session& db, const NewTask& task) { return enqueue_chain(db, {task}).front(); }

std::vector<std::string> enqueue_chain(db::Session& db, const std::vector<NewTask>& tasks) {
  const NewTask& task = tasks.front();
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
  // The last one first: each is told which one comes after it.
  std::vector<std::string> ids;
  std::optional<std::string> next;
  for (auto one = tasks.rbegin(); one != tasks.rend(); ++one) {
    std::optional<std::string> goal;
    if (const auto fixed = fixed_goal(tx, *one)) goal = to_json(*fixed);
    const bool waits = one + 1 != tasks.rend();
    const auto at = waits ? std::optional<std::string>("infinity") : one->at;
    const auto rows = tx.run(sql::enqueue, one->type, one->artifact_id, one->target, to_json(one->payload), at,
                             missed_after, goal, next);
    ids.emplace_back(rows[0]["id"].c_str());
    next = ids.back();
  }
  tx.commit();
  std::reverse(ids.begin(), ids.end());
  return ids;
}

std::vector<Task> list(db::Session& db, const Filter& filter) {
  return to_tasks(db.run(sql::list_tasks, filter.status, filter.target, filter.limit));
}

std::vector<Task> upcoming(db::Session& db, int limit) { return to_tasks(db.run(sql::upcoming_tasks, limit)); }

Task find(db::Session& db, const std::string& id) {
  const Error missing(Kind::failed, "there is no task '" + base::one_line(id) + "'",
                      "list them with `wrktalk task list`");
  if (!looks_like_id(id)) throw missing;
  const auto rows = db.run(sql::find_task, id);
  if (rows.empty()) throw missing;
  if (rows.size() > 1) throw Error(Kind::failed, "more than one task begins with " + id, "give more of its id");
  return to_task(rows[0]);
}

std::vector<Event> events(db::Session& db, const std::string& task_id, long after_id) {
  std::vector<Event> out;
  for (const auto& row : db.run(sql::events, task_id, after_id)) {
    out.push_back({row["id"].as<long>(), row["at"].c_str(), row["attempt"].as<int>(), row["phase"].c_str(),
                   row["message"].c_str(), db::text(row, "data")});
  }
  return out;
}

std::string cancel(db::Session& db, const std::string& id) {
  const auto rows = db.run(sql::cancel, id);
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " has ended, or a v4.2 agent runs it: it cannot be cancelled",
                "look at it with `wrktalk task show " + id + "`");
  }
  return std::string(rows[0]["status"].c_str()) == "cancelled" ? "cancelled" : "requested";
}

void retry(db::Session& db, const std::string& id) {
  db::Transaction tx(db);
  // The one before it in its chain must not end between the look at it and the change.
  tx.run("SELECT 1 FROM agent_task WHERE next_task = $1::uuid FOR SHARE", id);
  const auto rows = tx.run(sql::retry, id);
  if (!rows.empty()) tx.run(sql::forget_site_use, id);
  tx.commit();
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " is neither failed nor cancelled",
                "look at it with `wrktalk task show " + id + "`");
  }
}

StartTime reschedule(db::Session& db, const std::string& id, const std::string& at, Past past) {
  StartTime start = start_time(db, at, past);
  const auto rows = db.run(sql::reschedule, id, start.at);
  if (rows.empty()) {
    throw Error(Kind::failed, "task " + id + " is no longer pending", "look at it with `wrktalk task show " + id + "`");
  }
  return start;
}

}  // namespace wrktalk::queue
