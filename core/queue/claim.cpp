// SPDX-License-Identifier: Apache-2.0
#include "core/queue/claim.hpp"

#include "core/base/error.hpp"
#include "core/queue/candidates.hpp"
#include "core/queue/goal.hpp"

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;

const std::string& choose_target_sql() {
  static const std::string sql = "SELECT d.name FROM deployment_target d CROSS JOIN LATERAL (" +
                                 candidates("$2::uuid[]") +
                                 ") c WHERE d.name = ANY($1::text[]) ORDER BY c.rank, "
                                 "c.execute_after, c.created_at LIMIT 1 "
                                 "FOR UPDATE OF d SKIP LOCKED";
  return sql;
}

/// The second look, with the target's row locked and a snapshot taken after that. $1 target, $2 agent, $3 lease, $4 kSilence,
/// $5 tasks that are not to be taken over, $6 kPutBackAttempts.
const std::string& claim_sql() {
  static const std::string sql =
      "WITH chosen AS (SELECT c.id, o.status AS old_status, o.guard AS old_guard, "
      "o.status = 'inProgress' AND (o.attempt >= o.max_attempts OR greatest(o.last_heartbeat, o.picked_up_at) < now() "
      "- "
      "$4::interval) AS give_up, "
      "o.status = 'inProgress' AND o.attempt >= o.max_attempts::bigint + $6::int AS exhausted "
      "FROM deployment_target d CROSS JOIN LATERAL (" +
      candidates("$5::uuid[]") +
      ") c JOIN agent_task o ON o.id = c.id WHERE d.name = $1 "
      "ORDER BY c.rank, c.execute_after, c.created_at LIMIT 1), "
      "taken AS (UPDATE agent_task t SET status = 'inProgress', target = $1, attempt = least(t.attempt::bigint + 1, "
      "2147483647)::int, "
      "claimed_by = $2, claim_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + $3::interval, "
      "picked_up_at = CASE WHEN chosen.old_status = 'pending' THEN clock_timestamp() ELSE t.picked_up_at END, "
      "last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(), phase = 'claim', guard = NULL, "
      "held_until = NULL, error_message = NULL "
      "FROM chosen WHERE t.id = chosen.id AND t.status = chosen.old_status "
      "RETURNING t.*, chosen.old_status, chosen.old_guard, chosen.give_up, chosen.exhausted) SELECT " +
      std::string(kTaskColumns) +
      ", t.claim_token, t.old_status, t.old_guard, t.give_up, t.exhausted FROM taken t LEFT JOIN release_artifact a ON "
      "a.id "
      "= "
      "t.release_artifact_id";
  return sql;
}

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

void move_flags(db::Transaction& tx, const std::string& target, const std::optional<std::string>& artifact_id,
                std::optional<long> revision, bool applied_now) {
  // Previous is what ran before; that nothing runs any more does not change it.
  const std::string replaced = "$2::uuid IS NOT NULL AND current_artifact_id IS DISTINCT FROM $2::uuid";
  const auto rows = tx.run(
      "UPDATE deployment_target SET previous_artifact_id = CASE WHEN " + replaced +
          " THEN nullif(coalesce(current_artifact_id, previous_artifact_id), $2::uuid) ELSE previous_artifact_id END, "
          "previous_revision = CASE WHEN " +
          replaced +
          " THEN coalesce(revision, previous_revision) ELSE previous_revision END, "
          "current_artifact_id = $2::uuid, revision = $3::bigint, applied_at = CASE WHEN $4::boolean OR "
          "current_artifact_id IS DISTINCT FROM $2::uuid THEN clock_timestamp() ELSE applied_at END WHERE name = $1 "
          "RETURNING is_default, current_artifact_id, previous_artifact_id, CASE kind WHEN 'kubernetes' THEN 'helm' "
          "WHEN 'docker' THEN 'compose' ELSE kind END AS chart_type",
      target, artifact_id, revision, applied_now);
  if (rows.empty() || !rows[0]["is_default"].as<bool>()) return;
  // v4.2 reads these two flags: one current and one previous for each chart_type.
  tx.run(
      "UPDATE release_artifact SET is_current = coalesce(id = $1::uuid, false), is_previous = coalesce(id = $2::uuid, "
      "false) WHERE (is_current OR is_previous OR id = $1::uuid OR id = $2::uuid) AND chart_type = $3",
      db::text(rows[0], "current_artifact_id"), db::text(rows[0], "previous_artifact_id"),
      rows[0]["chart_type"].c_str());
}

/// SQL: whether task `t` is the one with id $1 and still held under the token $2.
constexpr const char* kIsOurs = "t.id = $1::uuid AND t.claim_token = $2::uuid AND t.status = 'inProgress'";

constexpr const char* kLockOneTarget = "SELECT name FROM deployment_target WHERE name = $1 FOR UPDATE SKIP LOCKED";
constexpr const char* kLockTarget = "SELECT FROM deployment_target WHERE name = $1 FOR UPDATE";

}  // namespace

const char* const kHeartbeat =
    "WITH seen AS (UPDATE agent_instance SET last_seen = now() WHERE id = $4::uuid) "
    "UPDATE agent_task SET last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(), "
    "lease_expires_at = clock_timestamp() + make_interval(secs => $3) "
    "WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' RETURNING cancel_requested_at IS NOT "
    "NULL";

std::optional<Claim> claim(db::Session& db, const Claimant& agent, std::chrono::milliseconds lease,
                           const std::vector<std::string>& not_yet) {
  const auto asked_at = base::BootClock::now();
  db::Transaction tx(db);
  // With one target there is nothing to choose, and half as much to plan.
  const auto target = agent.targets.size() == 1 ? tx.run(kLockOneTarget, agent.targets.front())
                                                : tx.run(choose_target_sql(), agent.targets, not_yet);
  if (target.empty()) return std::nullopt;
  const auto rows = tx.run(claim_sql(), target[0]["name"].c_str(), agent.agent_id, interval(lease), interval(kSilence),
                           not_yet, kPutBackAttempts);
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
  const auto rows = tx.run(
      std::string("WITH taken AS (INSERT INTO agent_task (type, release_artifact_id, target, payload, goal, status, "
                  "attempt, claimed_by, claim_token, lease_expires_at, picked_up_at, last_heartbeat, phase) "
                  "VALUES ($1, $2::uuid, $3, $4::jsonb, $7::jsonb, 'inProgress', 1, $5, gen_random_uuid(), "
                  "clock_timestamp() + $6::interval, clock_timestamp(), clock_timestamp(), 'claim') RETURNING *) "
                  "SELECT ") +
          kTaskColumns + ", t.claim_token FROM taken t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id",
      task.type, task.artifact_id, task.target, to_json(task.payload), agent.agent_id, interval(lease), goal);
  tx.commit();
  return to_claim(rows[0], asked_at);
}

void add_event(db::Session& db, const Claim& claim, const std::string& phase, const std::string& message,
               const std::optional<std::string>& data) {
  const auto rows =
      db.run(std::string("INSERT INTO task_event (task_id, attempt, phase, message, data) SELECT id, attempt, $3, $4, "
                         "$5::jsonb FROM agent_task t WHERE ") +
                 kIsOurs + " RETURNING id",
             claim.task.id, claim.token, phase, message, data);
  if (rows.empty()) lost(claim);
}

void begin_step(db::Session& db, const Claim& claim, const std::string& phase, const std::string& reached) {
  const auto rows =
      db.run(std::string("UPDATE agent_task t SET phase = $3, reached = $4, updated_at = clock_timestamp() WHERE ") +
                 kIsOurs + " RETURNING id",
             claim.task.id, claim.token, phase, reached);
  if (rows.empty()) lost(claim);
}

void record_guard(db::Session& db, const Claim& claim, const std::string& guard) {
  const auto rows = db.run(std::string("UPDATE agent_task t SET guard = $3 WHERE ") + kIsOurs + " RETURNING id",
                           claim.task.id, claim.token, guard);
  if (rows.empty()) lost(claim);
}

void remember(db::Session& db, const Claim& claim, const Memory& memory) {
  db::Transaction tx(db);
  // In the claim's order: the target's row first.
  if (memory.correction) tx.run(kLockTarget, claim.target);
  const auto rows = tx.run(std::string("UPDATE agent_task t SET goal = $3::jsonb, before = $4::jsonb, updated_at = "
                                       "clock_timestamp() WHERE ") +
                               kIsOurs + " RETURNING id",
                           claim.task.id, claim.token, memory.goal, memory.before);
  if (rows.empty()) lost(claim);
  if (memory.correction)
    move_flags(tx, claim.target, memory.correction->artifact_id, memory.correction->revision, false);
  tx.commit();
}

void record(db::Transaction& tx, const Claim& claim, const Ending& ending) {
  // In the claim's order: the target's row first.
  tx.run(kLockTarget, claim.target);
  const auto rows = tx.run(
      std::string("UPDATE agent_task t SET status = $3, error_message = $4, result = $5::jsonb, completed_at = "
                  "clock_timestamp(), updated_at = clock_timestamp(), phase = 'record', lease_expires_at = NULL, "
                  "guard = NULL WHERE ") +
          kIsOurs + " RETURNING id",
      claim.task.id, claim.token, to_text(ending.status), ending.error_message, ending.result);
  if (rows.empty()) lost(claim);
  if (ending.artifact_id) {
    move_flags(tx, claim.target, ending.artifact_id, ending.revision, true);
    tx.run("UPDATE release_artifact SET applied_at = clock_timestamp() WHERE id = $1::uuid", ending.artifact_id);
  } else if (ending.revision) {
    tx.run("UPDATE deployment_target SET revision = $2::bigint WHERE name = $1", claim.target, ending.revision);
  }
}

void add_last_event(db::Transaction& tx, const Claim& claim, const std::string& message) {
  tx.run("INSERT INTO task_event (task_id, attempt, phase, message) VALUES ($1::uuid, $2::int, 'record', $3)",
         claim.task.id, claim.task.attempt, message);
}

bool is_recorded(db::Session& db, const Claim& claim) {
  return !db.run("SELECT FROM agent_task WHERE id = $1::uuid AND claim_token = $2::uuid AND status <> 'inProgress'",
                 claim.task.id, claim.token)
              .empty();
}

void release(db::Session& db, const Claim& claim, const std::string& why, std::chrono::milliseconds pause) {
  db::Transaction tx(db);
  const auto rows = tx.run(
      std::string("UPDATE agent_task t SET status = 'pending', attempt = greatest(attempt - 1, 0), claimed_by = NULL, "
                  "claim_token = NULL, lease_expires_at = NULL, guard = NULL, phase = NULL, before = NULL, reached = "
                  "NULL, held_until = CASE WHEN $3::interval > interval '0' THEN clock_timestamp() + $3::interval END, "
                  "updated_at = clock_timestamp() WHERE ") +
          kIsOurs + " RETURNING id",
      claim.task.id, claim.token, interval(pause));
  if (rows.empty()) lost(claim);
  tx.run("INSERT INTO task_event (task_id, attempt, phase, message) VALUES ($1::uuid, $2::int, 'release', $3)",
         claim.task.id, claim.task.attempt, why);
  tx.commit();
}

}  // namespace wrktalk::queue
