// SPDX-License-Identifier: Apache-2.0
#include "core/queue/claim.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/target.hpp"

namespace wrktalk::queue {
namespace {

using base::Error;
using base::Kind;

/// SQL: the best task for target row `d`, if any: (id, rank, execute_after, created_at).
///
/// A task that names no target belongs to the default target of its artifact's kind; when that cannot be told, or no target of that kind
/// exists, to any default target, where it fails with a reason. A task in progress without a token is a v4.2 agent's.
const std::string& candidates() {
  static const std::string sql = [] {
    const std::string kind = kKindOfArtifact;
    const std::string belongs =
        "(" + kind + " IS NULL OR " + kind +
        " = d.kind OR NOT EXISTS (SELECT FROM deployment_target o WHERE o.is_default AND o.kind = " + kind + "))";
    const std::string idle =
        "NOT EXISTS (SELECT FROM agent_task r WHERE r.status = 'inProgress' AND (r.target = d.name OR (r.target IS "
        "NULL AND d.is_default "
        "AND (r.release_artifact_id IS NULL OR EXISTS (SELECT FROM release_artifact a WHERE a.id = "
        "r.release_artifact_id AND " +
        belongs + ")))))";
    const std::string columns =
        "SELECT t.id, CASE t.type WHEN 'rollback' THEN 1 ELSE 2 END AS rank, t.execute_after, t.created_at FROM "
        "agent_task t ";
    const std::string due = kIsDue + (" AND " + idle);
    const std::string order = " ORDER BY (t.type <> 'rollback'), t.execute_after, t.created_at LIMIT 1";
    return "(SELECT t.id, 0 AS rank, t.execute_after, t.created_at FROM agent_task t WHERE t.target = d.name AND "
           "t.status = 'inProgress' "
           "AND t.claim_token IS NOT NULL AND t.lease_expires_at < now() LIMIT 1) UNION ALL (" +
           columns + "WHERE t.target = d.name AND " + due + order + ") UNION ALL (" + columns +
           "LEFT JOIN release_artifact a ON a.id = t.release_artifact_id WHERE d.is_default AND t.target IS NULL AND " +
           due + " AND " + belongs + order + ")";
  }();
  return sql;
}

const std::string& choose_target_sql() {
  static const std::string sql =
      "SELECT d.name FROM deployment_target d CROSS JOIN LATERAL (" + candidates() +
      ") c WHERE d.name = ANY($1::text[]) ORDER BY c.rank, c.execute_after, c.created_at LIMIT 1 "
      "FOR UPDATE OF d SKIP LOCKED";
  return sql;
}

/// SQL: whether task `t` is one that nobody will run any more. $1 is kSilence.
constexpr const char* kIsOverdue =
    "((t.status = 'pending' AND t.execute_after + t.missed_after < now()) OR (t.status = 'inProgress' AND "
    "t.claim_token IS NULL AND greatest(t.picked_up_at, t.last_heartbeat, t.updated_at) < now() - $1::interval))";

/// The second look, with the target's row locked and a snapshot taken after that.
const std::string& claim_sql() {
  static const std::string sql =
      "WITH chosen AS (SELECT c.id, o.status AS old_status, o.guard AS old_guard, o.phase AS old_phase, o.status = "
      "'inProgress' AND "
      "(o.attempt >= o.max_attempts "
      "OR greatest(o.last_heartbeat, o.picked_up_at) < now() - $4::interval) AS give_up "
      "FROM deployment_target d CROSS JOIN LATERAL (" +
      candidates() +
      ") c JOIN agent_task o ON o.id = c.id WHERE d.name = $1 ORDER BY c.rank, c.execute_after, c.created_at LIMIT 1), "
      "taken AS (UPDATE agent_task t SET status = 'inProgress', target = $1, attempt = t.attempt + CASE WHEN "
      "chosen.give_up THEN 0 ELSE 1 END, "
      "claimed_by = $2, claim_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + $3::interval, "
      "picked_up_at = CASE WHEN chosen.old_status = 'pending' THEN clock_timestamp() ELSE t.picked_up_at END, "
      "last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(), phase = 'claim', guard = NULL, "
      "error_message = NULL "
      "FROM chosen WHERE t.id = chosen.id AND t.status = chosen.old_status "
      "RETURNING t.*, chosen.old_status, chosen.old_guard, chosen.old_phase, chosen.give_up), "
      "told AS (INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, attempt, 'claim', "
      "CASE WHEN old_status = 'pending' THEN 'claimed by ' ELSE 'taken over by ' END || $2::text FROM taken) SELECT " +
      std::string(kTaskColumns) +
      ", t.claim_token, t.old_status, t.old_guard, t.old_phase, t.give_up FROM taken t LEFT JOIN release_artifact a ON "
      "a.id = "
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

/// Seconds from now, in whole milliseconds, at least one so that a wait is long enough; zero when they have passed.
std::optional<std::chrono::milliseconds> from_now(const pqxx::field& seconds) {
  if (seconds.is_null()) return std::nullopt;
  const double left = seconds.as<double>();
  return left <= 0 ? std::chrono::milliseconds(0) : std::chrono::milliseconds(static_cast<long>(left * 1000.0) + 1);
}

constexpr const char* kLockTarget = "SELECT FROM deployment_target WHERE name = $1 FOR UPDATE";

}  // namespace

const char* const kHeartbeat =
    "UPDATE agent_task SET last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(), "
    "lease_expires_at = clock_timestamp() + make_interval(secs => $3) "
    "WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' RETURNING cancel_requested_at IS NOT "
    "NULL";

std::optional<Claim> claim(db::Session& db, const Claimant& agent, std::chrono::milliseconds lease) {
  const auto asked_at = base::BootClock::now();
  db::Transaction tx(db);
  const auto target = tx.run(choose_target_sql(), agent.targets);
  if (target.empty()) return std::nullopt;
  const auto rows = tx.run(claim_sql(), target[0]["name"].c_str(), agent.agent_id, interval(lease), interval(kSilence));
  tx.commit();
  if (rows.empty()) return std::nullopt;
  Claim claim = to_claim(rows[0], asked_at);
  claim.taken_over = std::string(rows[0]["old_status"].c_str()) == to_text(Status::in_progress);
  claim.give_up = rows[0]["give_up"].as<bool>();
  claim.old_phase = db::text(rows[0], "old_phase");
  claim.old_guard = db::text(rows[0], "old_guard");
  return claim;
}

Claim claim_new(db::Session& db, const Claimant& agent, const NewTask& task, std::chrono::milliseconds lease) {
  const auto asked_at = base::BootClock::now();
  db::Transaction tx(db);
  refuse_when_taken(tx, task.target, task.type == "rollback" || task.queue_anyway);
  const auto rows = tx.run(
      std::string("WITH taken AS (INSERT INTO agent_task (type, release_artifact_id, target, payload, status, attempt, "
                  "claimed_by, claim_token, "
                  "lease_expires_at, picked_up_at, last_heartbeat, phase) "
                  "VALUES ($1, $2::uuid, $3, $4::jsonb, 'inProgress', 1, $5, gen_random_uuid(), clock_timestamp() + "
                  "$6::interval, "
                  "clock_timestamp(), clock_timestamp(), 'claim') RETURNING *), "
                  "told AS (INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, 1, 'claim', 'claimed "
                  "by ' || $5::text FROM taken) "
                  "SELECT ") +
          kTaskColumns + ", t.claim_token FROM taken t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id",
      task.type, task.artifact_id, task.target, to_json(task.payload), agent.agent_id, interval(lease));
  tx.commit();
  return to_claim(rows[0], asked_at);
}

Tick tick(db::Session& db, const Claimant& agent, const std::string& chore, const std::string& news,
          const std::vector<std::string>& numbers) {
  std::string sql =
      "WITH seen AS (INSERT INTO agent_instance (id, agent_id, version, targets) VALUES ($2::uuid, $3, $4, $5::text[]) "
      "ON CONFLICT (id) DO UPDATE SET last_seen = now()), "
      "polled AS (UPDATE deployment_config SET last_agent_poll = now()) "
      "SELECT EXISTS (SELECT FROM agent_task t WHERE " +
      std::string(kIsOverdue) +
      ") AS overdue, "
      "EXISTS (SELECT FROM deployment_target d CROSS JOIN LATERAL (" +
      candidates() +
      ") c WHERE d.name = ANY($5::text[])) AS due, "
      "extract(epoch FROM least((SELECT min(execute_after) FROM agent_task WHERE status = 'pending' AND execute_after "
      "> now() "
      "AND (target = ANY($5::text[]) OR target IS NULL)), (SELECT min(lease_expires_at) FROM agent_task WHERE status = "
      "'inProgress' "
      "AND lease_expires_at > now() AND target = ANY($5::text[]))) - clock_timestamp()) AS next, "
      // Whoever was away from the database itself must not say so of others.
      "EXISTS (SELECT FROM agent_instance o JOIN agent_instance me ON me.id = $2::uuid WHERE o.last_seen < now() - "
      "interval '10 minutes' AND o.silence_told_at IS NULL AND me.last_seen > now() - interval '5 minutes') AS "
      "silent, " +
      chore + " AS chore, " + news + " AS news";
  for (const auto& number : numbers) sql += ", " + number;
  const auto row = db.run(sql, interval(kSilence), agent.instance, agent.agent_id, agent.version, agent.targets)[0];
  Tick tick;
  tick.due = row["due"].as<bool>();
  tick.overdue = row["overdue"].as<bool>();
  tick.silent = row["silent"].as<bool>();
  tick.next = from_now(row["next"]);
  tick.chore = from_now(row["chore"]);
  tick.news = from_now(row["news"]);
  const auto first = row.size() - static_cast<db::Row::size_type>(numbers.size());
  for (auto i = first; i < row.size(); ++i) tick.numbers.push_back(row[i].as<double>());
  return tick;
}

std::vector<double> numbers(db::Session& db, const std::vector<std::string>& questions) {
  std::vector<double> out;
  const auto result = db.run("SELECT " + base::join(questions, ", "));
  for (const auto& field : result[0]) out.push_back(field.as<double>());
  return out;
}

std::vector<std::string> depths() {
  const std::string due = std::string("FROM agent_task t WHERE ") + kIsDue + ")";
  return {"(SELECT count(*) " + due,
          "(SELECT count(*) FROM agent_task WHERE status = 'pending' AND execute_after > now())",
          "(SELECT count(*) FROM agent_task WHERE status = 'inProgress')",
          "(SELECT coalesce(extract(epoch FROM now() - min(t.execute_after)), 0) " + due};
}

std::vector<Task> fail_overdue(db::Transaction& tx) {
  static const std::string sql =
      std::string(
          "WITH ended AS (UPDATE agent_task t SET status = 'failed', error_message = CASE t.status WHEN 'pending' THEN "
          "$2 ELSE $3 END, completed_at = now(), updated_at = now() WHERE ") +
      kIsOverdue +
      " RETURNING *), "
      "told AS (INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, attempt, 'record', error_message "
      "FROM ended) SELECT " +
      kTaskColumns + " FROM ended t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id";
  std::vector<Task> tasks;
  for (const auto& row : tx.run(sql, interval(kSilence), kMissedMessage, kTimeoutMessage)) {
    tasks.push_back(to_task(row));
  }
  return tasks;
}

void leave(db::Session& db, const Claimant& agent) {
  db.run("DELETE FROM agent_instance WHERE id = $1::uuid OR last_seen < now() - interval '7 days'", agent.instance);
}

void note(db::Session& db, const Claim& claim, const std::string& phase, const std::string& message,
          const std::optional<std::string>& data) {
  const auto rows = db.run(
      "WITH ours AS (UPDATE agent_task SET phase = $3, updated_at = clock_timestamp() "
      "WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' RETURNING id, attempt) "
      "INSERT INTO task_event (task_id, attempt, phase, message, data) SELECT id, attempt, $3, $4, $5::jsonb FROM ours "
      "RETURNING id",
      claim.task.id, claim.token, phase, message, data);
  if (rows.empty()) lost(claim);
}

void record_guard(db::Session& db, const Claim& claim, const std::string& guard) {
  const auto rows = db.run(
      "UPDATE agent_task SET guard = $3 WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' "
      "RETURNING id",
      claim.task.id, claim.token, guard);
  if (rows.empty()) lost(claim);
}

void correct_target(db::Session& db, const Claim& claim, const std::optional<std::string>& artifact_id,
                    std::optional<long> revision) {
  db::Transaction tx(db);
  tx.run(kLockTarget, claim.target);
  const auto ours = tx.run(
      "SELECT FROM agent_task WHERE id = $1::uuid AND claim_token = $2::uuid AND status = "
      "'inProgress' FOR UPDATE",
      claim.task.id, claim.token);
  if (ours.empty()) lost(claim);
  move_flags(tx, claim.target, artifact_id, revision, false);
  tx.commit();
}

void record(db::Transaction& tx, const Claim& claim, const Ending& ending) {
  // In the claim's order: the target's row first.
  tx.run(kLockTarget, claim.target);
  const auto rows = tx.run(
      "WITH ended AS (UPDATE agent_task SET status = $3, error_message = $4, result = $5::jsonb, completed_at = "
      "clock_timestamp(), "
      "updated_at = clock_timestamp(), phase = 'record', lease_expires_at = NULL, guard = NULL "
      "WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' RETURNING id, attempt) "
      "INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, attempt, 'record', $6 FROM ended RETURNING "
      "id",
      claim.task.id, claim.token, to_text(ending.status), ending.error_message, ending.result, ending.message);
  if (rows.empty()) lost(claim);
  if (ending.artifact_id) {
    move_flags(tx, claim.target, ending.artifact_id, ending.revision, true);
    tx.run("UPDATE release_artifact SET applied_at = clock_timestamp() WHERE id = $1::uuid", ending.artifact_id);
  } else if (ending.revision) {
    tx.run("UPDATE deployment_target SET revision = $2::bigint WHERE name = $1", claim.target, ending.revision);
  }
}

bool is_recorded(db::Session& db, const Claim& claim) {
  return !db.run("SELECT FROM agent_task WHERE id = $1::uuid AND claim_token = $2::uuid AND status <> 'inProgress'",
                 claim.task.id, claim.token)
              .empty();
}

void release(db::Session& db, const Claim& claim, const std::string& why) {
  const auto rows = db.run(
      "WITH ours AS (UPDATE agent_task SET status = 'pending', attempt = greatest(attempt - 1, 0), claimed_by = NULL, "
      "claim_token = NULL, "
      "lease_expires_at = NULL, guard = NULL, phase = NULL, updated_at = clock_timestamp() "
      "WHERE id = $1::uuid AND claim_token = $2::uuid AND status = 'inProgress' RETURNING id, attempt) "
      "INSERT INTO task_event (task_id, attempt, phase, message) SELECT id, attempt, 'release', $3 FROM ours RETURNING "
      "id",
      claim.task.id, claim.token, why);
  if (rows.empty()) lost(claim);
}

}  // namespace wrktalk::queue
