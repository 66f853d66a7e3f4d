// SPDX-License-Identifier: Apache-2.0
#include "core/queue/prune.hpp"

#include <string>

namespace wrktalk::queue {
namespace {

/// SQL: in the words of agent_task_ended_idx.
constexpr const char* kIsFinished = "t.status IN ('completed', 'failed', 'cancelled')";

/// SQL: whether task `t` says which revision was made of which release, and somebody may still ask.
constexpr const char* kTellsRevision =
    "(t.status = 'completed' AND t.result->>'revision' IS NOT NULL AND ("
    "EXISTS (SELECT FROM deployment_target d WHERE d.name = t.target AND t.result->>'revision' IN (d.revision::text, "
    "d.previous_revision::text)) "
    "OR (t.target, t.result->>'revision') IN (SELECT target, revision FROM asked) "
    "OR (EXISTS (SELECT FROM release_artifact a WHERE a.id::text = t.result->>'artifact_id') AND NOT EXISTS (SELECT "
    "FROM agent_task newer WHERE newer.target = t.target AND newer.status = 'completed' AND "
    "newer.result->>'artifact_id' = t.result->>'artifact_id' AND newer.result->>'revision' IS NOT NULL AND "
    "newer.completed_at > t.completed_at))))";

/// SQL: the ids of tasks that may go, the oldest of each target first. $1: days, $2: how many stay, $3: how many at most, null for all.
const std::string& old_tasks() {
  static const std::string sql = [] {
    const std::string finished = std::string("FROM agent_task t WHERE ") + kIsFinished + " AND ";
    const auto old_ones = [&](const std::string& whose) {
      const std::string oldest_kept =
          "(SELECT t.completed_at " + finished + whose +
          " AND t.completed_at IS NOT NULL ORDER BY t.completed_at DESC OFFSET greatest($2::integer, 1) - 1 LIMIT 1)";
      return "(SELECT t.id " + finished + whose +
             " AND t.completed_at < now() - make_interval(days => $1::integer) AND t.completed_at < " + oldest_kept +
             " AND NOT EXISTS (SELECT FROM maintenance_window w WHERE w.owner = t.id::text) AND NOT " + kTellsRevision +
             " ORDER BY t.completed_at LIMIT $3::integer)";
    };
    const std::string first_name = "SELECT t.target " + finished;
    // From name to name through the index: a DISTINCT would read every finished task.
    return "WITH RECURSIVE names (name) AS ((" + first_name +
           "t.target IS NOT NULL ORDER BY t.target LIMIT 1) UNION ALL SELECT (" + first_name +
           "t.target > n.name ORDER BY t.target LIMIT 1) FROM names n WHERE n.name IS NOT NULL), "
           "asked (target, revision) AS (SELECT t.target, t.payload->>'target_revision' FROM agent_task t WHERE "
           "t.status = 'pending' AND t.type = 'rollback' UNION ALL SELECT t.target, t.payload->>'target_revision' FROM "
           "agent_task t WHERE t.status = 'inProgress') "
           "SELECT o.id FROM names n CROSS JOIN LATERAL " +
           old_ones("t.target = n.name") + " o WHERE n.name IS NOT NULL UNION ALL " + old_ones("t.target IS NULL");
  }();
  return sql;
}

/// SQL: the ids of notifications that may go; $1 and $2: days and how many at most.
constexpr const char* kOldNotifications =
    "(SELECT id FROM notification WHERE status = 'sent' AND sent_at < now() - make_interval(days => $1::integer) "
    "LIMIT $2::integer) UNION ALL (SELECT id FROM notification WHERE status = 'failed' AND created_at < now() - "
    "make_interval(days => $1::integer) LIMIT $2::integer)";

int count(const db::Result& rows) { return static_cast<int>(rows.size()); }

void prune_tasks(db::Session& db, const PruneRules& rules, Pruned& out) {
  const int most_events = rules.batch * 10;
  const auto gone = db.run("SELECT events, tasks FROM wrktalk_remove_tasks(ARRAY(SELECT id FROM (" + old_tasks() +
                               ") AS old LIMIT $3::integer), $4::integer)",
                           rules.keep_days, rules.keep, rules.batch, most_events)[0];
  out.events = gone["events"].as<int>();
  out.tasks = gone["tasks"].as<int>();
  out.more = out.tasks == rules.batch || out.events == most_events;
}

}  // namespace

Pruned prune_batch(db::Session& db, const PruneRules& rules) {
  Pruned out;
  prune_tasks(db, rules, out);
  out.notifications =
      count(db.run(std::string("DELETE FROM notification WHERE id IN (SELECT id FROM (") + kOldNotifications +
                       ") AS old LIMIT $2::integer) AND status IN ('sent', 'failed') RETURNING id",
                   rules.keep_days, rules.batch));
  out.more = out.more || out.notifications == rules.batch;
  db.run("DELETE FROM agent_instance WHERE last_seen < now() - interval '7 days'");
  return out;
}

Pruned prunable_rows(db::Session& db, const PruneRules& rules) {
  const std::optional<int> all;
  Pruned out;
  const auto tasks = db.run(
      "SELECT count(*) AS tasks, coalesce(sum((SELECT count(*) FROM task_event e WHERE e.task_id = "
      "old.id)), 0) AS events FROM (" +
          old_tasks() + ") AS old",
      rules.keep_days, rules.keep, all)[0];
  out.tasks = tasks["tasks"].as<int>();
  out.events = tasks["events"].as<int>();
  out.notifications = db.run(std::string("SELECT count(*) AS rows FROM (") + kOldNotifications + ") AS old",
                             rules.keep_days, all)[0]["rows"]
                          .as<int>();
  return out;
}

}  // namespace wrktalk::queue
