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
  bool exhausted = false;   ///< and putting it back was tried too often as well: touch nothing, fail it
  std::optional<std::string> old_guard;  ///< taken over: the guard of the old holder's tool, exec::to_text
  base::BootClock::time_point asked_at;  ///< before the claim was sent: the lease runs from here at the least
};

/// How often a target is put back for a task that was given up, before it is left as it is.
constexpr int kPutBackAttempts = 3;

/// Takes a task whose holder's lease is over, else a rollback, else the oldest due task, on a served target that is free; nothing when
/// there is none. Tasks named in `not_yet` are not taken over. One transaction that never waits for another agent.
/// Throws Error; connection_lost means reconnect first.
std::optional<Claim> claim(db::Session& db, const Claimant& agent, std::chrono::milliseconds lease,
                           const std::vector<std::string>& not_yet = {});

/// A new task that is ours from the start, so that no agent takes it away. Throws Error(busy) as `enqueue` does, also for a rollback
/// while another task is in progress.
Claim claim_new(db::Session& db, const Claimant& agent, const NewTask& task, std::chrono::milliseconds lease);

/// The heartbeat as one statement with four parameters (id, token, lease in seconds, the agent's instance or null, which is seen alive by it).
/// One row, one column: whether cancelling was asked for. No row: the task is not ours any more. A lease that has run out is renewed as well,
/// as long as nobody else has taken the task.
extern const char* const kHeartbeat;

/// Adds a line to the task's story. Throws Error(lease_lost) when the task is not ours any more.
void add_event(db::Session& db, const Claim& claim, const std::string& phase, const std::string& message,
               const std::optional<std::string>& data = std::nullopt);

/// The target runs something else than was recorded.
struct Correction {
  std::optional<std::string> artifact_id;  ///< empty: nothing runs there
  std::optional<long> revision;
};

/// What the task's first holder decided and saw, before anything was touched; and what that says of the target's record. One transaction.
struct Memory {
  std::string goal;    ///< JSON
  std::string before;  ///< JSON
  std::optional<Correction> correction;
};
/// Throws Error(lease_lost).
void remember(db::Session& db, const Claim& claim, const Memory& memory);

/// Writes down that the step `phase` begins, and the furthest step that was begun. Throws Error(lease_lost).
void begin_step(db::Session& db, const Claim& claim, const std::string& phase, const std::string& reached);

/// Keeps who guards the tool (exec::to_text), for whoever takes over. Throws Error(lease_lost).
void record_guard(db::Session& db, const Claim& claim, const std::string& guard);

/// How a task ends.
struct Ending {
  Status status = Status::failed;
  std::optional<std::string> error_message;
  std::string result;  ///< JSON
  /// What runs on the target from now on; empty: what ran before.
  std::optional<std::string> artifact_id;
  /// Its revision; without an artifact: the one that what ran before has now, when it was put back to a new one.
  std::optional<long> revision;
};

/// Ends the task inside `tx`: status, result, flags, the target's row, applied_at. Decides cancel against completion under the row's lock.
/// Throws Error(lease_lost) when another agent has the task; that the lease ran out meanwhile is no reason.
void record(db::Transaction& tx, const Claim& claim, const Ending& ending);

/// Whether the task has ended under this claim's token: after a commit whose answer was lost.
bool is_recorded(db::Session& db, const Claim& claim);

/// The same as `add_event`, inside the transaction that ends the task.
void add_last_event(db::Transaction& tx, const Claim& claim, const std::string& message);

/// Makes the task pending again as if this attempt had not been, not before `pause` is over. The target is as it was; the task keeps its goal.
/// Throws Error(lease_lost).
void release(db::Session& db, const Claim& claim, const std::string& why, std::chrono::milliseconds pause);

}  // namespace wrktalk::queue
