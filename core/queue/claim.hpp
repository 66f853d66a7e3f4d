// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/queue/task.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::queue {

/// The channel that wakes agents when a task was added, became pending, ended, or is to be cancelled.
constexpr const char* kChannel = "wrktalk_task";

/// A task without activity for this long is put back and failed, as in v4.2.
constexpr std::chrono::minutes kSilence{30};
constexpr const char* kTimeoutMessage = "Task timeout - no heartbeat received";
constexpr const char* kMissedMessage = "missed schedule";

/// One start of an agent.
struct Claimant {
  std::string agent_id;  ///< WRKTALK_AGENT_AGENT_ID; shown as `claimed_by`
  std::string instance;  ///< uuid, new at every start
  std::string version;
  std::vector<std::string> targets;  ///< the names it serves
};

/// A task that is ours until its lease is over: every write names `token`.
struct Claim {
  Task task;
  std::string target;
  std::string token;
  bool taken_over = false;  ///< its last holder's lease ran out
  bool give_up = false;     ///< taken over too often, or silent for too long: put the target back and fail it
  std::optional<std::string> old_phase;  ///< taken over: the step its last holder had begun
  std::optional<std::string> old_guard;  ///< taken over: the guard of the old holder's tool, exec::to_text
  base::BootClock::time_point asked_at;  ///< before the claim was sent: the lease runs from here at the least
};

/// Takes a task whose holder's lease is over, else a rollback, else the oldest due task, on a served target that is free; nothing when
/// there is none. One transaction that never waits for another agent. Throws Error; connection_lost means reconnect first.
std::optional<Claim> claim(db::Session& db, const Claimant& agent, std::chrono::milliseconds lease);

/// A new task that is ours from the start, so that no agent takes it away. Throws Error(busy) as `enqueue` does, also for a rollback
/// while another task is in progress.
Claim claim_new(db::Session& db, const Claimant& agent, const NewTask& task, std::chrono::milliseconds lease);

/// What one idle tick learns. The same statement says that the agent is alive (agent_instance, last_agent_poll).
struct Tick {
  bool due = false;                                ///< `claim` would find something
  bool silent = false;                             ///< an agent that did not sign out has not been seen for 10 minutes
  bool overdue = false;                            ///< `fail_overdue` would find something
  std::optional<std::chrono::milliseconds> next;   ///< until the next scheduled task or the end of another's lease
  std::optional<std::chrono::milliseconds> chore;  ///< until another concern's work is due: zero when it is already
  std::optional<std::chrono::milliseconds> news;   ///< until the outbox has something due: zero when it has already
  std::vector<double> numbers;                     ///< what was asked for besides
};
/// `chore`: an SQL expression for the seconds until another concern has work for this agent, null for none; $3 is the agent's id. `news`: the same
/// for the outbox. `numbers`: SQL expressions that are never null.
Tick tick(db::Session& db, const Claimant& agent, const std::string& chore = "NULL::float8",
          const std::string& news = "NULL::float8", const std::vector<std::string>& numbers = {});

/// Such numbers alone, of one expression at least, in one statement.
std::vector<double> numbers(db::Session& db, const std::vector<std::string>& questions);

/// SQL, for `tick` and `numbers`: how many tasks are due, scheduled and running, whatever their target, and for how many seconds the oldest due one has waited.
std::vector<std::string> depths();

/// Fails what nobody will run any more, on whatever target: pending tasks that missed their schedule (kMissedMessage), and v4.2 tasks
/// that have been silent for `kSilence` (kTimeoutMessage). Returns them as they ended; each is returned to one caller.
std::vector<Task> fail_overdue(db::Transaction& tx);

/// Takes this start of the agent off the list.
void leave(db::Session& db, const Claimant& agent);

/// The heartbeat as one statement with three parameters (id, token, lease in seconds). One row, one column: whether cancelling was
/// asked for. No row: the lease is lost.
extern const char* const kHeartbeat;

/// Writes a line of the task's story and its phase. Throws Error(lease_lost) when the task is not ours any more.
void note(db::Session& db, const Claim& claim, const std::string& phase, const std::string& message,
          const std::optional<std::string>& data = std::nullopt);

/// Keeps who guards the tool (exec::to_text), for whoever takes over. Throws Error(lease_lost).
void record_guard(db::Session& db, const Claim& claim, const std::string& guard);

/// Writes down that something else runs on the claim's target than was recorded; an empty `artifact_id`: nothing runs there.
/// Throws Error(lease_lost).
void correct_target(db::Session& db, const Claim& claim, const std::optional<std::string>& artifact_id,
                    std::optional<long> revision);

/// How a task ends.
struct Ending {
  Status status = Status::failed;
  std::optional<std::string> error_message;
  std::string result;   ///< JSON
  std::string message;  ///< for its last event
  /// What runs on the target from now on; empty: what ran before.
  std::optional<std::string> artifact_id;
  /// Its revision; without an artifact: the one that what ran before has now, when it was put back to a new one.
  std::optional<long> revision;
};

/// Ends the task inside `tx`: status, result, flags, the target's row, applied_at, last event. Decides cancel against completion under
/// the row's lock. Throws Error(lease_lost).
void record(db::Transaction& tx, const Claim& claim, const Ending& ending);

/// Whether the task has ended under this claim's token: after a commit whose answer was lost.
bool is_recorded(db::Session& db, const Claim& claim);

/// Makes the task pending again as if this attempt had not been. Throws Error(lease_lost).
void release(db::Session& db, const Claim& claim, const std::string& why);

}  // namespace wrktalk::queue
