// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <optional>
#include <string>
#include <vector>

/// What the admins are told. Rows are written in the transaction that makes the change, so that neither is there without the other.
namespace wrktalk::notify {

/// The recipient of the rows that go to the webhook; all others are mail addresses.
constexpr const char* kWebhook = "webhook";

struct NewNotification {
  std::string name;                    ///< one of `events()`
  std::string key;                     ///< the same key is never told twice to the same recipient
  std::optional<std::string> task_id;  ///< its times are added to the data, and when it ended to the key
  std::string data;                    ///< JSON: what the message says, as Notification has it
};

/// One row for each active admin, whatever the case of his address, and one for the webhook when there is one. Returns how many.
/// For a task the row must say already how it ended: a task that is tried again and ends the same way is told again. The same event again, also in
/// a later transaction, adds nothing as long as the task has not ended anew.
int enqueue(db::Transaction& tx, const NewNotification& event, bool webhook);

struct Entry {
  std::string id;
  std::string event;
  std::string recipient;
  std::string status;  ///< "pending", "sending", "sent" or "failed"
  int attempts = 0;
  std::string created_at;
  std::string next_attempt_at;
  std::optional<std::string> task_id;
  std::optional<std::string> sent_at;
  std::optional<std::string> last_error;
};

/// Newest first: what still waits or was given up, or with `all` also what was sent.
std::vector<Entry> list(db::Session& db, bool all, int limit);

/// Makes rows due now: those named by id, or by a prefix of it, given up ones among them; with none named all that wait.
/// Throws Error(failed) for an id that names no row which can be sent. Returns how many.
int make_due(db::Session& db, const std::vector<std::string>& ids);

/// Gives rows up that wait: those named, or all. Throws as `make_due`. Returns how many.
int drop(db::Session& db, const std::vector<std::string>& ids, const std::string& by);

/// How long after its last sign an agent that did not sign out counts as silent.
constexpr std::chrono::minutes kSilence{10};

/// Tells of agents that are silent, once a silence, unless another start of the same agent is heard of. Returns how many rows.
int tell_silent_agents(db::Session& db, bool webhook);

}  // namespace wrktalk::notify
