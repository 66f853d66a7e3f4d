// SPDX-License-Identifier: Apache-2.0
#include "core/notify/outbox.hpp"

#include "core/base/error.hpp"

namespace wrktalk::notify {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kColumns =
    "id, event, recipient, status, attempts, created_at, next_attempt_at, task_id, sent_at, last_error";

Entry to_entry(const db::Row& row) {
  Entry entry;
  entry.id = row["id"].c_str();
  entry.event = row["event"].c_str();
  entry.recipient = row["recipient"].c_str();
  entry.status = row["status"].c_str();
  entry.attempts = row["attempts"].as<int>();
  entry.created_at = row["created_at"].c_str();
  entry.next_attempt_at = row["next_attempt_at"].c_str();
  entry.task_id = db::text(row, "task_id");
  entry.sent_at = db::text(row, "sent_at");
  entry.last_error = db::text(row, "last_error");
  return entry;
}

/// Sets `values` in the rows with these ids, or in all that wait. Returns how many.
int change(db::Session& db, const std::vector<std::string>& ids, const std::string& values) {
  const std::string update = "UPDATE notification SET " + values + " WHERE ";
  if (ids.empty()) return static_cast<int>(db.run(update + "status = 'pending' RETURNING id").size());
  db::Transaction tx(db);
  for (const auto& id : ids) {
    const auto rows = tx.run(update + "starts_with(id::text, $1) AND status IN ('pending', 'failed') RETURNING id", id);
    if (rows.size() != 1) {
      throw Error(Kind::failed,
                  "'" + id + "' names " + (rows.empty() ? "no message that could be sent" : "several messages"),
                  "see `wrktalk notify outbox list`");
    }
  }
  tx.commit();
  return static_cast<int>(ids.size());
}

}  // namespace

std::string plain_address(const std::string& column) {
  return "lower(rtrim(btrim(coalesce(substring(" + column + " FROM '<([^<>]+)>[[:space:]]*$'), " + column +
         "), E' \\t\\r\\n'), '.'))";
}

int enqueue(db::Transaction& tx, const NewNotification& event, bool webhook) {
  // Times are taken where they are kept: whoever records a task does not know when the server thinks it ended.
  static const std::string sql =
      "WITH task AS (SELECT jsonb_strip_nulls(jsonb_build_object("
      "'scheduled_for', CASE WHEN execute_after > created_at + interval '1 second' THEN to_char(execute_after AT "
      "TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"') END, "
      "'started_at', to_char(picked_up_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), "
      "'ended_at', to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), "
      "'duration_seconds', round(extract(epoch FROM completed_at - picked_up_at)::numeric, 3))) AS times, "
      "':' || to_char(completed_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS ending "
      "FROM agent_task WHERE id = $3::uuid), "
      "key AS (SELECT $2 || coalesce((SELECT ending FROM task), '') AS text), "
      "everybody AS (SELECT email AS recipient, created_at FROM admin WHERE is_active UNION ALL SELECT $5, NULL "
      "WHERE $6::boolean), "
      "recipients AS (SELECT DISTINCT ON (" +
      plain_address("recipient") + ") recipient, created_at FROM everybody ORDER BY " + plain_address("recipient") +
      ", created_at, recipient) "
      "INSERT INTO notification (event, event_key, task_id, recipient, data) "
      "SELECT $1, key.text, $3::uuid, recipient, $4::jsonb || coalesce((SELECT times FROM task), '{}') "
      "FROM recipients r CROSS JOIN key WHERE NOT EXISTS (SELECT FROM notification n WHERE n.event_key = key.text "
      "AND " +
      plain_address("n.recipient") + " = " + plain_address("r.recipient") +
      ") ORDER BY r.created_at, r.recipient ON CONFLICT (event_key, lower(recipient)) DO NOTHING RETURNING id";
  return static_cast<int>(tx.run(sql, event.name, event.key, event.task_id, event.data, kWebhook, webhook).size());
}

std::vector<Entry> list(db::Session& db, bool all, int limit) {
  std::vector<Entry> entries;
  for (const auto& row :
       db.run(std::string("SELECT ") + kColumns +
                  " FROM notification WHERE $1::boolean OR status <> 'sent' ORDER BY created_at DESC, "
                  "recipient LIMIT $2::int",
              all, limit)) {
    entries.push_back(to_entry(row));
  }
  return entries;
}

int make_due(db::Session& db, const std::vector<std::string>& ids) {
  return change(db, ids, "status = 'pending', next_attempt_at = now()");
}

int drop(db::Session& db, const std::vector<std::string>& ids, const std::string& by) {
  return change(db, ids, "status = 'failed', last_error = " + db::quote_literal("dropped by " + by));
}

int tell_silent_agents(db::Session& db, bool webhook) {
  db::Transaction tx(db);
  const auto silent = tx.run(
      "UPDATE agent_instance i SET silence_told_at = now() WHERE last_seen < now() - $1::interval "
      "AND silence_told_at IS NULL RETURNING id, "
      "EXISTS (SELECT FROM agent_instance o WHERE o.agent_id = i.agent_id AND o.last_seen >= now() - $1::interval) AS "
      "back, "
      "jsonb_build_object('agent', agent_id, 'target', array_to_string(targets, ', '), 'ended_at', "
      "to_char(last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')) AS data",
      std::to_string(kSilence.count()) + " minutes");
  int rows = 0;
  for (const auto& row : silent) {
    if (row["back"].as<bool>()) continue;
    const std::string key = std::string("agent:") + row["id"].c_str() + ":silent";
    rows += enqueue(tx, {"agent.silent", key, {}, row["data"].c_str()}, webhook);
  }
  tx.commit();
  return rows;
}

}  // namespace wrktalk::notify
