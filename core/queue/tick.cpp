// SPDX-License-Identifier: Apache-2.0
#include "core/queue/tick.hpp"

#include "core/base/text.hpp"
#include "core/queue/candidates.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::queue {
namespace {

/// SQL: whether task `t` is a v4.2 agent's that has been silent for too long. $1 is kSilence.
constexpr const char* kIsOrphan =
    "(t.status = 'inProgress' AND t.claim_token IS NULL AND "
    "greatest(t.picked_up_at, t.last_heartbeat, t.updated_at) < now() - $1::interval)";

/// SQL: whether `column` is a time that a wait may end at: neither infinity nor out of reach of an interval.
std::string is_soon(const std::string& column) {
  return column + " > now() AND " + column + " < now() + interval '1 day'";
}

/// SQL: when something happens next on the targets in $5.
const std::string& next_sql() {
  static const std::string sql = [] {
    const auto first = [](const char* type, const char* whose) {
      return std::string("(SELECT min(t.execute_after) FROM agent_task t WHERE t.status = 'pending' AND t.type ") +
             type + " 'rollback' AND " + whose + " AND " + is_soon("t.execute_after") + ")";
    };
    const auto both = [&](const char* whose) { return first("=", whose) + ", " + first("<>", whose); };
    return "least((SELECT min(least(" + both("t.target = served.name") +
           ")) FROM unnest($5::text[]) AS served (name)), " + both("t.target IS NULL") +
           ", (SELECT min(t.held_until) FROM agent_task t WHERE t.status = 'pending' AND " + is_soon("t.held_until") +
           " AND (t.target = ANY($5::text[]) OR t.target IS NULL)), (SELECT min(t.lease_expires_at) FROM agent_task t "
           "WHERE t.status = 'inProgress' AND " +
           is_soon("t.lease_expires_at") + " AND t.target = ANY($5::text[])))";
  }();
  return sql;
}

/// SQL: a JSON array of [id, lease_expires_at, age, length]. As numbers, since a difference of odd times can be an error.
constexpr const char* kLeases =
    "(SELECT json_agg(json_build_array(id, lease_expires_at::text, extract(epoch FROM clock_timestamp())::float8 - "
    "extract(epoch FROM last_heartbeat)::float8, extract(epoch FROM lease_expires_at)::float8 - extract(epoch FROM "
    "last_heartbeat)::float8)) FROM (SELECT id, lease_expires_at, last_heartbeat FROM agent_task WHERE status = "
    "'inProgress' AND claim_token IS NOT NULL AND target = ANY($5::text[]) AND isfinite(lease_expires_at) AND "
    "isfinite(last_heartbeat) ORDER BY lease_expires_at LIMIT 100) AS held)";

std::vector<Lease> to_leases(const std::optional<std::string>& text) {
  std::vector<Lease> leases;
  if (!text) return leases;
  for (const auto& lease : nlohmann::json::parse(*text)) {
    leases.push_back(
        {lease[0].get<std::string>(), lease[1].get<std::string>(), lease[2].get<double>(), lease[3].get<double>()});
  }
  return leases;
}

std::string interval(std::chrono::milliseconds duration) { return std::to_string(duration.count()) + " milliseconds"; }

/// Seconds from now, in whole milliseconds, at least one so that a wait is long enough; zero when they have passed.
std::optional<std::chrono::milliseconds> from_now(const pqxx::field& seconds) {
  if (seconds.is_null()) return std::nullopt;
  const double left = seconds.as<double>();
  return left <= 0 ? std::chrono::milliseconds(0) : std::chrono::milliseconds(static_cast<long>(left * 1000.0) + 1);
}

}  // namespace

Tick tick(db::Session& db, const Claimant& agent, const std::string& chore, const std::string& news,
          const std::vector<std::string>& numbers, const std::vector<std::string>& not_yet) {
  std::string sql =
      "WITH seen AS (INSERT INTO agent_instance (id, agent_id, version, targets) VALUES ($2::uuid, $3, $4, $5::text[]) "
      "ON CONFLICT (id) DO UPDATE SET last_seen = now()), "
      "polled AS (UPDATE deployment_config SET last_agent_poll = now()) "
      "SELECT EXISTS (SELECT FROM agent_task t WHERE " +
      has_missed() + ") OR EXISTS (SELECT FROM agent_task t WHERE " + kIsOrphan +
      ") AS overdue, "
      "EXISTS (SELECT FROM deployment_target d CROSS JOIN LATERAL (" +
      candidates("$6::uuid[]") + ") c WHERE d.name = ANY($5::text[])) AS due, extract(epoch FROM " + next_sql() +
      " - clock_timestamp()) AS next, "
      // Whoever was away from the database itself must not say so of others.
      "EXISTS (SELECT FROM agent_instance o JOIN agent_instance me ON me.id = $2::uuid WHERE o.last_seen < now() - "
      "interval '10 minutes' AND o.silence_told_at IS NULL AND me.last_seen > now() - interval '5 minutes') AS "
      "silent, " +
      chore + " AS chore, " + news + " AS news, extract(epoch FROM clock_timestamp())::float8 AS server_seconds, " +
      kLeases + " AS leases";
  for (const auto& number : numbers) sql += ", " + number;
  const auto row =
      db.run(sql, interval(kSilence), agent.instance, agent.agent_id, agent.version, agent.targets, not_yet)[0];
  Tick tick;
  tick.due = row["due"].as<bool>();
  tick.overdue = row["overdue"].as<bool>();
  tick.silent = row["silent"].as<bool>();
  tick.next = from_now(row["next"]);
  tick.chore = from_now(row["chore"]);
  tick.news = from_now(row["news"]);
  tick.server_seconds = row["server_seconds"].as<double>();
  tick.leases = to_leases(db::text(row, "leases"));
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
  // In the order of agent_task_due_idx, so that the server does not choose an index which holds the finished tasks too.
  const std::string order = " ORDER BY t.execute_after, t.created_at LIMIT ";
  const auto count = [](const std::string& rows) {
    return "(SELECT count(*) FROM (SELECT FROM agent_task t WHERE " + rows + ") AS counted)";
  };
  return {count(is_due() + order + "10000"),
          count("t.status = 'pending' AND t.execute_after > now()" + order + "10000"),
          count("t.status = 'inProgress' LIMIT 10000"),
          "coalesce((SELECT extract(epoch FROM now() - greatest(t.execute_after, '0001-01-01Z')) FROM agent_task t "
          "WHERE " +
              is_due() + order + "1), 0)"};
}

std::vector<Task> fail_overdue(db::Transaction& tx) {
  // The condition stands there twice: once for the indexes, and once for rows that another agent changes meanwhile.
  static const std::string sql =
      std::string(
          "WITH ended AS (UPDATE agent_task t SET status = 'failed', error_message = CASE t.status WHEN 'pending' THEN "
          "$2 ELSE $3 END, completed_at = now(), updated_at = now() WHERE t.id IN (SELECT t.id FROM agent_task t "
          "WHERE ") +
      has_missed() + " UNION ALL SELECT t.id FROM agent_task t WHERE " + kIsOrphan + ") AND (" + has_missed() + " OR " +
      kIsOrphan +
      ") RETURNING *), "
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

}  // namespace wrktalk::queue
