// SPDX-License-Identifier: Apache-2.0
#include "core/queue/prune.hpp"

#include "core/queue/sql.hpp"

namespace wrktalk::queue {
namespace {

int count(const db::Result& rows) { return static_cast<int>(rows.size()); }

void prune_tasks(db::Session& db, const PruneRules& rules, Pruned& out) {
  const int most_events = rules.batch * 10;
  const auto gone = db.run(sql::prune_tasks, rules.keep_days, rules.keep, rules.batch, most_events)[0];
  out.events = gone["events"].as<int>();
  out.tasks = gone["tasks"].as<int>();
  out.more = out.tasks == rules.batch || out.events == most_events;
}

}  // namespace

Pruned prune_batch(db::Session& db, const PruneRules& rules) {
  Pruned out;
  prune_tasks(db, rules, out);
  out.notifications = count(db.run(sql::prune_notifications, rules.keep_days, rules.batch));
  out.more = out.more || out.notifications == rules.batch;
  db.run("DELETE FROM agent_instance WHERE last_seen < now() - interval '7 days'");
  return out;
}

Pruned prunable_rows(db::Session& db, const PruneRules& rules) {
  const std::optional<int> all;
  Pruned out;
  const auto tasks = db.run(sql::count_prunable_tasks, rules.keep_days, rules.keep, all)[0];
  out.tasks = tasks["tasks"].as<int>();
  out.events = tasks["events"].as<int>();
  out.notifications = db.run(sql::count_prunable_notifications, rules.keep_days, all)[0]["rows"].as<int>();
  return out;
}

}  // namespace wrktalk::queue
