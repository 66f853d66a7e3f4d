// SPDX-License-Identifier: Apache-2.0
#include "core/agent/record.hpp"

#include "core/agent/notifications.hpp"
#include "core/base/crash_point.hpp"
#include "core/log/log.hpp"
#include "core/notify/notification.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using nlohmann::ordered_json;

/// What of a result is a text of tools or people is redacted here, once: the task's row, its mails and its webhooks are made of it.
std::string dump(ordered_json value) {
  notify::redact_texts(value);
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string headline(const TaskContext& context, const std::optional<Failure>& failure) {
  const auto& goal = context.memory.goal.version;
  const std::string version = goal ? *goal : context.claim.task.version.value_or("?");
  std::string text = context.claim.task.type + " of " + version + " on " + context.claim.target +
                     ending_of(failure).wording + (failure ? failure->message : "");
  if (failure && !failure->put_back_error.empty()) text += "; " + failure->put_back_error;
  return text;
}

/// What runs after a failure that was undone: helm counts its own rollback as a new revision.
std::optional<deploy::Observed> look_after(TaskContext& context, const std::optional<Failure>& failure) {
  if (!failure || failure->left != Left::put_back) return std::nullopt;
  try {
    const auto seen = context.deployer.observe(context.lease);
    if (seen.state == deploy::Observed::State::running) return seen;
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || context.lease.ended_at_once()) throw;
    log::warn("record.no_look", e.what(), {{"task_id", context.claim.task.id}});
  }
  return std::nullopt;
}

ordered_json result_json(const TaskContext& context, const std::optional<Failure>& failure,
                         const std::optional<deploy::Observed>& running) {
  const auto& goal = context.memory.goal;
  ordered_json out;
  out["state"] = ending_of(failure).state;
  if (goal.version) out["version"] = *goal.version;
  if (goal.artifact_id) out["artifact_id"] = *goal.artifact_id;
  out["target"] = context.claim.target;
  if (!failure && context.applied && context.applied->revision) out["revision"] = *context.applied->revision;
  out["agent"] = context.agent_id;
  if (!context.memory.data.backups.empty()) out["backups"] = context.memory.data.backups;
  out["attempt"] = context.claim.task.attempt;
  out["exit_code"] = base::to_int(exit_code_of(failure));
  if (failure) {
    if (!failure->hint.empty()) out["hint"] = failure->hint;
    if (!failure->evidence.empty()) out["evidence"] = failure->evidence;
    if (running) out["running"] = running->detail;
  }
  return out;
}

/// Whoever cancelled a task knows already.
std::vector<notify::NewNotification> events_of(const TaskContext& context, const queue::Ending& ending,
                                               const std::optional<Failure>& failure) {
  const auto& row = ending_of(failure);
  if (row.notification == nullptr) return {};
  std::vector<notify::NewNotification> events{
      notification_of(context.claim.task, row.notification, ending.error_message, ending.result)};
  if (!row.needs_hands) return events;
  auto stuck = events.front();
  stuck.name = "maintenance.stuck";
  stuck.key = context.claim.task.id + ":" + std::to_string(context.claim.task.attempt) + ":" + stuck.name;
  events.push_back(std::move(stuck));
  return events;
}

/// Tries `act` until the database takes it. Two transactions that collided are no outage: the same again, soon. What it refuses for good would be refused for ever: then the lease runs out, and the task's
/// attempts with it.
void until_recorded(TaskContext& context, const std::function<void()>& act) {
  context.lease.begin_record();
  base::Backoff backoff;
  for (;;) {
    try {
      if (backoff.tries() > 0 && context.store.is_recorded()) return;
      act();
      context.status.database_answers();
      return;
    } catch (const Error& e) {
      const auto remedy = db::remedy(e);
      if (remedy == db::Remedy::none) throw;
      if (remedy == db::Remedy::wait) {
        context.store.drop_connection();
        context.status.database_is_away();
      }
      if (backoff.tries() == 0) {
        log::warn("record.waits", std::string("the outcome waits for the database: ") + e.what(),
                  {{"task_id", context.claim.task.id}});
      }
    }
    context.lease.wait(base::Deadline::in(backoff.next()));
  }
}

}  // namespace

TaskResult record_outcome(TaskContext& context, const std::optional<Failure>& failure) {
  const auto& row = ending_of(failure);
  queue::Ending ending;
  ending.status = row.status;
  const std::string message = log::redact(headline(context, failure));
  if (failure)
    ending.error_message = failure->message == queue::kTimeoutMessage ? log::redact(failure->message) : message;
  const auto running = look_after(context, failure);
  ending.result = dump(result_json(context, failure, running));
  const auto& before = context.memory.before;
  if (running && before && (!running->version || running->version == before->seen.version)) {
    ending.revision = running->revision;
  }
  if (!failure) {
    ending.artifact_id = context.memory.goal.artifact_id;
    if (context.applied) ending.revision = context.applied->revision;
  }
  context.journal.flush();
  base::crash_point("record");
  const observe::Stopwatch stopwatch(context.status.phases["record"]);
  const auto events = events_of(context, ending, failure);
  until_recorded(context, [&] { context.store.record(ending, message, events); });
  base::crash_point("recorded");
  const bool good = ending.status == queue::Status::completed;
  (good ? log::info : log::error)(good ? "task.completed" : "task.ended",
                                  good || !context.foreground ? message : "the task has failed",
                                  {{"task_id", context.claim.task.id}, {"status", queue::to_text(ending.status)}});
  TaskResult result;
  result.status = ending.status;
  result.exit_code = exit_code_of(failure);
  result.message = message;
  if (failure) result.hint = failure->hint;
  return result;
}

TaskResult give_back(TaskContext& context, const std::string& why, std::chrono::milliseconds pause,
                     base::ExitCode code) {
  context.journal.flush();
  until_recorded(context, [&] { context.store.release("given back: " + log::redact(why), pause); });
  TaskResult result;
  result.end = TaskResult::End::released;
  result.exit_code = code;
  result.message = "task " + context.claim.task.id + " is pending again: " + why;
  log::info("task.released", result.message, {{"task_id", context.claim.task.id}});
  return result;
}

void tidy(TaskContext& context, base::Pulse& pulse) noexcept {
  try {
    context.deployer.tidy(context.store.versions_in_use(), pulse);
  } catch (const Error& e) {
    log::warn("tidy.failed", e.what(), {{"task_id", context.claim.task.id}});
  }
}

}  // namespace wrktalk::agent
