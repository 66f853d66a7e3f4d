// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"
#include "core/queue/goal.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// The task queue: agent_task, deployment_target, task_event and agent_instance.
///
/// All times are the server's. Times that are shown are texts as PostgreSQL prints timestamptz.
namespace wrktalk::queue {

/// Beside 'pending' and 'inProgress' of the v4.2 agent.
enum class Status { pending, in_progress, completed, failed, cancelled };
const char* to_text(Status status) noexcept;
/// Nothing for a status that no version of the agent writes.
std::optional<Status> parse_status(const std::string& text);

/// What a task asks for; `agent_task.payload` holds it as JSON. A row that v4.2 wrote has none.
struct Payload {
  std::optional<std::string> target_version;  ///< rollback --to-version
  std::optional<long> target_revision;        ///< rollback --to-revision
  std::optional<std::string> note;
  std::optional<std::string> requested_by;  ///< USER@HOST
  bool ignore_schema = false;               ///< run it although the schema does not fit
  bool update_crds = false;                 ///< deploy --update-crds
  bool accept_loss = false;                 ///< --yes: data may be lost that down files of migrations drop
};
std::string to_json(const Payload& payload);
/// Throws Error(failed) naming what has the wrong shape.
Payload parse_payload(const std::optional<std::string>& json);

struct Task {
  std::string id;
  std::string type;  ///< "deploy", "rollback", or what a stranger wrote
  std::string status;
  std::optional<std::string> target;  ///< empty: the default target of the artifact's kind
  std::optional<std::string> artifact_id;
  std::optional<std::string>
      version;  ///< of that artifact, else the payload's or the goal's, else of what it turned out to be
  std::optional<std::string> payload;  ///< JSON
  std::optional<std::string> phase;
  std::optional<std::string> claimed_by;
  std::optional<std::string> error_message;
  std::optional<std::string> result;  ///< JSON
  int attempt = 0;
  int max_attempts = 0;
  bool cancel_requested = false;
  std::string execute_after;
  std::optional<std::string> missed_after;  ///< an interval as PostgreSQL prints it: not begun by then, it fails
  std::string created_at;
  std::optional<std::string> picked_up_at;
  std::optional<std::string> completed_at;
  std::optional<std::string> last_heartbeat;
  std::optional<std::string> lease_expires_at;
  std::optional<std::string> goal;     ///< JSON, see StoredGoal
  std::optional<std::string> before;   ///< JSON: what ran on the target when its first holder began
  std::optional<std::string> reached;  ///< the furthest step that any holder has begun
  std::optional<std::string>
      held_until;  ///< the target was busy with somebody else's operation: not claimed before then
  std::optional<std::string> after_task;  ///< the one before it in its chain
  std::optional<std::string> next_task;   ///< the one after it
};

struct Event {
  long id = 0;
  std::string at;
  int attempt = 0;
  std::string phase;
  std::string message;
  std::optional<std::string> data;  ///< JSON
};

struct NewTask {
  std::string type;  ///< "deploy" | "rollback"
  std::optional<std::string> artifact_id;
  std::string target;
  Payload payload;
  std::optional<std::string> at;                            ///< StartTime::at; empty: now
  bool queue_anyway = false;                                ///< also when another task runs or is due on the target
  std::optional<std::chrono::milliseconds> missed_after{};  ///< not begun this long after `at`: failed, never run late
};

struct StartTime {
  std::string at;     ///< as PostgreSQL writes it
  std::string shown;  ///< for whoever asked: "2026-12-01 02:00:00 +01:00 (time zone Europe/Berlin), in 3 d 2 h"
};

/// Whether a time that has passed is meant.
enum class Past { refused, meant };

/// When a task is to begin: "+2h" from now by the server's clock, or what PostgreSQL reads as timestamptz, "2026-12-01 02:00
/// Europe/Berlin"; without a zone it is one of the session's time zone. Throws Error(usage) for other texts, for infinity, for years after
/// 9999, and for what has passed a minute ago and more.
StartTime start_time(db::Session& db, const std::string& text, Past past = Past::refused);

/// Adds a pending task and returns its id. A rollback that names neither version nor revision goes to what is the target's previous
/// release now: Error(failed) when there is none. Throws Error(busy) naming the other task when a deployment that is due now meets one
/// that is in progress or due on its target; a rollback may always be queued. Throws Error(usage) for times as `start_time` does.
std::string enqueue(db::Session& db, const NewTask& task);

/// The same of several, for one target, the first of which may begin as `enqueue` says. Each other one begins when the one before it has completed, and is
/// cancelled when that one ends in another way. All or none; returns their ids in order.
std::vector<std::string> enqueue_chain(db::Session& db, const std::vector<NewTask>& tasks);

/// Where the task goes, as far as that can be told when it is made.
std::optional<StoredGoal> fixed_goal(db::Transaction& tx, const NewTask& task);

/// Locks the target's row, so that of two operators at once the second sees the first one's task, then throws Error(busy) when a task
/// stands in the way: one in progress, or (unless `due_ones_may_wait`) one that is due now.
void refuse_when_taken(db::Transaction& tx, const std::string& target, bool due_ones_may_wait);

struct Filter {
  std::optional<std::string> status;
  std::optional<std::string> target;
  int limit = 20;
};
/// Newest first.
std::vector<Task> list(db::Session& db, const Filter& filter);
/// Pending tasks in the order in which they will be claimed.
std::vector<Task> upcoming(db::Session& db, int limit);
/// By id, or by a prefix of it that fits one task. Throws Error(failed) when none or several fit.
Task find(db::Session& db, const std::string& id);
std::vector<Event> events(db::Session& db, const std::string& task_id, long after_id = 0);

/// A pending task is cancelled at once ("cancelled"); a running one is asked to end at its next safe point ("requested").
/// Throws Error(failed) when the task has ended.
std::string cancel(db::Session& db, const std::string& id);
/// Makes a failed or cancelled task pending again, with its attempts counted anew: to the same goal, and without what its holders wrote
/// down about the target and the site's settings. Throws Error(failed) for others.
void retry(db::Session& db, const std::string& id);
/// Moves a pending task; `at` and `past` as start_time() takes them. Throws Error(failed) when it is no longer pending.
StartTime reschedule(db::Session& db, const std::string& id, const std::string& at, Past past = Past::refused);

/// A row with the columns of sql/_task_columns.sql.
Task to_task(const db::Row& row);
std::vector<Task> to_tasks(const db::Result& rows);

}  // namespace wrktalk::queue
