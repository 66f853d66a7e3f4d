// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/notify/outbox.hpp"
#include "core/notify/outbox_sender.hpp"
#include "core/queue/task.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace wrktalk::agent {

/// What the admins are told of a task that has ended. `outcome` is "completed", "failed" or "missed"; `result` is the task's, as JSON.
notify::NewNotification notification_of(const queue::Task& task, const std::string& outcome,
                                        const std::optional<std::string>& reason,
                                        const std::optional<std::string>& result);

/// The longest time that a process goes on for its messages alone.
constexpr std::chrono::seconds kDeliveryTime{10};

/// Fails the tasks that nobody will run any more and queues the notifications to the admins, in one transaction.
void end_overdue(db::Session& db, bool webhook);

/// Drives the sender until it has nothing more to do, for at most `limit`, or until `hurry` says so in its tick; a message under way is let
/// go of then. Never throws.
void deliver(notify::OutboxSender& sender, std::chrono::milliseconds limit, base::Pulse& hurry) noexcept;

/// A backup was not made: the admins are told at once, as far as the agent's database and the mail server are there. Never throws.
void tell_backup_failed(const Settings& settings, const base::Error& error, base::Pulse& hurry) noexcept;

}  // namespace wrktalk::agent
