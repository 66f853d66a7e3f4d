// SPDX-License-Identifier: Apache-2.0
#include "core/queue/claim.hpp"

#include "core/base/error.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/sql.hpp"

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;

std::string interval(std::chrono::milliseconds duration) { return std::to_string(duration.count()) + " milliseconds"; }

Claim to_claim(const db::Row& row, base::BootClock::time_point asked_at) {
  Claim claim;
  claim.task = to_task(row);
  claim.target = claim.task.target.value_or("");
  claim.token = row["claim_token"].c_str();
  claim.asked_at = asked_at;
  return claim;
}

[[noreturn]] void lost(const Claim& claim) {
  throw Error(Kind::lease_lost, "task " + claim.task.id + " belongs to somebody else now",
              "look at it with `wrktalk task show " + claim.task.id + "`");
}

void move_target(db::Transaction& tx, const std::string& target, const std::optional<std::string>& artifact_id,
                 std::optional<long> revision, bool applied_now) {
  const auto rows = tx.run(sql::move_target, target, artifact_id, revision, applied_now);
  if (rows.empty() || !rows[0]["is_default"].as<bool>()) return;
  tx.run(sql::move_flags, db::text(rows[0], "current_artifact_id"), db::text(rows[0], "previous_artifact_id"),
         rows[0]["chart_type"].c_str());
}

/// Runs a change of our own task. Throws Error(lease_lost) when it is not ours any more.
template <class Connection, class... A>
void change_ours(Connection& db, const Claim& claim, const char* statement, const A&... args) {
  if (db.run(statement, claim.task.id, claim.token, args...).empty()) lost(claim);
}

}  // namespace

const char* const kHeartbeat = sql::heartbeat;

std::optional<Claim> claim(db::Session& db, const Claimant& agent, std::chrono::milliseconds lease,
                           const std::vector<std::string>& not_yet) {
  const auto asked_at = base::BootClock::now();
  db::Transaction tx(db);
  // With one target there is nothing to choose, and half as much to plan.
  const auto target = agent.targets.size() == 1 ? tx.run(sql::lock_free_target, agent.targets.front())
                                                : tx.run(sql::choose_target, not_yet, agent.targets);
  if (target.empty()) return std::nullopt;
  const auto rows = tx.run(sql::claim, not_yet, target[0]["name"].c_str(), agent.agent_id, interval(lease),
                           interval(kSilence), kPutBackAttempts);
  tx.commit();
  if (rows.empty()) return std::nullopt;
  Claim claim = to_claim(rows[0], asked_at);
  claim.taken_over = std::string(rows[0]["old_status"].c_str()) == to_text(Status::in_progress);
  claim.give_up = rows[0]["give_up"].as<bool>();
  claim.exhausted = rows[0]["exhausted"].as<bool>();
  claim.old_guard = db::text(rows[0], "old_guard");
  return claim;
}

Claim claim_new(db::Session& db, const Claimant& agent, const NewTask& task, std::chrono::milliseconds lease) {
  const auto asked_at = base::BootClock::now();
  db::Transaction tx(db);
  refuse_when_taken(tx, task.target, task.type == "rollback" || task.queue_anyway);
  std::optional<std::string> goal;
  if (const auto fixed = fixed_goal(tx, task)) goal = to_json(*fixed);
  const auto rows = tx.run(sql::claim_new, task.type, task.artifact_id, task.target, to_json(task.payload),
                           agent.agent_id, interval(lease), goal);
  tx.commit();
  return to_claim(rows[0], asked_at);
}

void add_event(db::Session& db, const Claim& claim, const std::string& phase, const std::string& message,
               const std::optional<std::string>& data) {
  change_ours(db, claim, sql::add_event, phase, message, data);
}

void begin_step(db::Session& db, const Claim& claim, const std::string& phase, const std::string& reached) {
  change_ours(db, claim, sql::begin_step, phase, reached);
}

void record_guard(db::Session& db, const Claim& claim, const std::string& guard) {
  change_ours(db, claim, sql::record_guard, guard);
}

void remember(db::Session& db, const Claim& claim, const Memory& memory) {
  db::Transaction tx(db);
  if (memory.correction) tx.run(sql::lock_target, claim.target);
  change_ours(tx, claim, sql::remember, memory.goal, memory.before);
  if (memory.correction)
    move_target(tx, claim.target, memory.correction->artifact_id, memory.correction->revision, false);
  tx.commit();
}

void record(db::Transaction& tx, const Claim& claim, const Ending& ending) {
  tx.run(sql::lock_target, claim.target);
  change_ours(tx, claim, sql::record, to_text(ending.status), ending.error_message, ending.result);
  if (ending.artifact_id) {
    move_target(tx, claim.target, ending.artifact_id, ending.revision, true);
    tx.run("UPDATE release_artifact SET applied_at = clock_timestamp() WHERE id = $1::uuid", ending.artifact_id);
  } else if (ending.revision) {
    tx.run("UPDATE deployment_target SET revision = $2::bigint WHERE name = $1", claim.target, ending.revision);
  }
}

void add_last_event(db::Transaction& tx, const Claim& claim, const std::string& message) {
  tx.run(sql::add_event_of_attempt, claim.task.id, claim.task.attempt, "record", message);
}

bool is_recorded(db::Session& db, const Claim& claim) {
  return !db.run(sql::is_recorded, claim.task.id, claim.token).empty();
}

void release(db::Session& db, const Claim& claim, const std::string& why, std::chrono::milliseconds pause) {
  db::Transaction tx(db);
  change_ours(tx, claim, sql::release, interval(pause));
  tx.run(sql::add_event_of_attempt, claim.task.id, claim.task.attempt, "release", why);
  tx.commit();
}

}  // namespace wrktalk::queue
