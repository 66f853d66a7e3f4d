// SPDX-License-Identifier: Apache-2.0
#include "core/agent/notifications.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"
#include "core/notify/notification.hpp"
#include "core/queue/tick.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::agent {
namespace {

using base::Deadline;
using base::Error;
using nlohmann::ordered_json;

/// Waits as base::pause does, but no longer than until the sender rests.
void drive(notify::OutboxSender& sender, base::Pulse& pulse, Deadline until) {
  pulse.tick();
  while (!sender.at_rest() && !until.passed()) {
    std::vector<pollfd> fds;
    const Deadline next = base::sooner(pulse.watch(fds), until);
    ::poll(fds.data(), fds.size(), next.poll_timeout());
    pulse.tick();
  }
}

}  // namespace

notify::NewNotification notification_of(const queue::Task& task, const std::string& outcome,
                                        const std::optional<std::string>& reason,
                                        const std::optional<std::string>& result) {
  notify::NewNotification event;
  event.name = (task.type == "rollback" ? "rollback." : "deploy.") + outcome;
  event.key = task.id + ":" + std::to_string(task.attempt) + ":" + event.name;
  event.task_id = task.id;
  auto data = ordered_json::parse(result.value_or("{}"), nullptr, false);
  if (!data.is_object()) data = ordered_json::object();
  if (task.version && !data.contains("version")) data["version"] = *task.version;
  if (task.target && !data.contains("target")) data["target"] = *task.target;
  data["task_id"] = task.id;
  data["type"] = task.type;
  if (reason) data["reason"] = *reason;
  try {
    const auto payload = queue::parse_payload(task.payload);
    if (payload.requested_by) data["requested_by"] = *payload.requested_by;
    if (payload.note) data["note"] = *payload.note;
  } catch (const Error&) {
    // The reason says already that the payload cannot be read.
  }
  notify::redact_texts(data);
  event.data = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return event;
}

void end_overdue(db::Session& db, bool webhook) {
  db::Transaction tx(db);
  const auto tasks = queue::fail_overdue(tx);
  for (const auto& task : tasks) {
    const bool missed = task.error_message == queue::kMissedMessage;
    notify::enqueue(tx, notification_of(task, missed ? "missed" : "failed", task.error_message, std::nullopt), webhook);
  }
  tx.commit();
  for (const auto& task : tasks) log::error("task.ended", *task.error_message, {{"task_id", task.id}});
}

void tell_backup_failed(const Settings& settings, const Error& error, base::Pulse& hurry) noexcept {
  try {
    db::Session db(settings.database);
    const std::string now = db.run("SELECT clock_timestamp()::text")[0][0].c_str();
    const ordered_json data = {
        {"agent", settings.agent_id}, {"reason", log::redact(error.what())}, {"hint", error.hint()}, {"ended_at", now}};
    db::Transaction tx(db);
    notify::enqueue(tx,
                    {"backup.failed",
                     "backup:" + settings.agent_id + ":" + now,
                     {},
                     data.dump(-1, ' ', false, ordered_json::error_handler_t::replace)},
                    !settings.notify.webhook_url.empty());
    tx.commit();
  } catch (const Error& e) {
    log::warn("notify.not_queued", std::string("the admins could not be told: ") + e.what());
    return;
  }
  notify::OutboxSender sender(settings.notify, [&] { return settings.database; });
  sender.wake();
  deliver(sender, kDeliveryTime, hurry);
}

void deliver(notify::OutboxSender& sender, std::chrono::milliseconds limit, base::Pulse& hurry) noexcept {
  // For the database to write down what became of the last message.
  constexpr std::chrono::seconds kFarewell{2};
  try {
    base::Both both(sender, hurry);
    drive(sender, both, Deadline::in(limit));
  } catch (const Error& e) {
    log::debug("notify.hurry", e.what());
  }
  if (sender.at_rest()) return;
  sender.finish();
  if (!sender.let_go())
    log::warn("notify.in_doubt",
              "a mail server that has a message did not say whether it takes it: it may be sent again");
  base::NoPulse alone;
  base::Both both(sender, alone);
  drive(sender, both, Deadline::in(kFarewell));
}

}  // namespace wrktalk::agent
