// SPDX-License-Identifier: Apache-2.0
#include "core/notify/outbox.hpp"

#include "core/base/error.hpp"
#include "core/notify/sql.hpp"

namespace wrktalk::notify {
namespace {

using base::Error;
using base::Kind;

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

/// Runs `statement` for the rows with these ids, or for all that wait. Returns how many.
template <class... A>
int change(db::Session& db, const char* statement, const std::vector<std::string>& ids, const A&... args) {
  if (ids.empty()) return static_cast<int>(db.run(statement, nullptr, args...).size());
  db::Transaction tx(db);
  for (const auto& id : ids) {
    const auto rows = tx.run(statement, id, args...);
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

int enqueue(db::Transaction& tx, const NewNotification& event, bool webhook) {
  const auto rows = tx.run(sql::enqueue, event.name, event.key, event.task_id, event.data, kWebhook, webhook);
  return static_cast<int>(rows.size());
}

std::vector<Entry> list(db::Session& db, bool all, int limit) {
  std::vector<Entry> entries;
  for (const auto& row : db.run(sql::list, all, limit)) entries.push_back(to_entry(row));
  return entries;
}

int make_due(db::Session& db, const std::vector<std::string>& ids) { return change(db, sql::make_due, ids); }

int drop(db::Session& db, const std::vector<std::string>& ids, const std::string& by) {
  return change(db, sql::drop, ids, "dropped by " + by);
}

int tell_silent_agents(db::Session& db, bool webhook) {
  db::Transaction tx(db);
  const auto silent = tx.run(sql::silent_agents, std::to_string(kSilence.count()) + " minutes");
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
