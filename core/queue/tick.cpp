// SPDX-License-Identifier: Apache-2.0
#include "core/queue/tick.hpp"

#include "core/queue/sql.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::queue {
namespace {

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

std::optional<Figures> to_figures(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text);
  Figures figures;
  figures.due = json["due"].get<long>();
  figures.scheduled = json["scheduled"].get<long>();
  figures.running = json["running"].get<long>();
  figures.oldest_due_seconds = json["oldest_due_seconds"].get<double>();
  figures.maintenance = json["maintenance"].get<bool>();
  figures.outbox_waiting = json["outbox_waiting"].get<long>();
  figures.outbox_given_up = json["outbox_given_up"].get<long>();
  return figures;
}

}  // namespace

Tick tick(db::Session& db, const Claimant& agent, bool with_figures, const std::vector<std::string>& not_yet) {
  const auto row = db.run(sql::tick, not_yet, interval(kSilence), agent.instance, agent.agent_id, agent.version,
                          agent.targets, with_figures)[0];
  Tick tick;
  tick.due = row["due"].as<bool>();
  tick.overdue = row["overdue"].as<bool>();
  tick.silent = row["silent"].as<bool>();
  tick.next = from_now(row["next"]);
  tick.in_maintenance = row["in_maintenance"].as<bool>();
  tick.maintenance_due = from_now(row["maintenance_due"]);
  tick.notification_due = from_now(row["notification_due"]);
  tick.server_seconds = row["server_seconds"].as<double>();
  tick.leases = to_leases(db::text(row, "leases"));
  tick.figures = to_figures(db::text(row, "figures"));
  return tick;
}

Figures figures(db::Session& db) { return to_figures(db::text(db.run(sql::figures)[0], "figures")).value(); }

std::vector<Task> fail_overdue(db::Transaction& tx) {
  return to_tasks(tx.run(sql::fail_overdue, kMissedMessage, interval(kSilence), kTimeoutMessage));
}

void leave(db::Session& db, const Claimant& agent) {
  db.run("DELETE FROM agent_instance WHERE id = $1::uuid OR last_seen < now() - interval '7 days'", agent.instance);
}

}  // namespace wrktalk::queue
