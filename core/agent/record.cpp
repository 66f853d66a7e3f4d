// SPDX-License-Identifier: Apache-2.0
#include "core/agent/record.hpp"

#include "core/agent/news.hpp"
#include "core/base/crash_point.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using nlohmann::ordered_json;

const char* to_text(State state) {
  switch (state) {
    case State::untouched: return "untouched";
    case State::put_back: return "put_back";
    case State::dirty:
    case State::not_put_back: return "not_put_back";
  }
  return "";
}

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

queue::Status status_of(const std::optional<Failure>& failure) {
  if (!failure) return queue::Status::completed;
  return failure->on_request() && failure->state != State::not_put_back ? queue::Status::cancelled
                                                                        : queue::Status::failed;
}

base::ExitCode exit_code_of(const std::optional<Failure>& failure) {
  if (!failure) return base::ExitCode::done;
  if (failure->state == State::dirty || failure->state == State::not_put_back) return base::ExitCode::not_put_back;
  if (failure->state == State::put_back && !failure->on_request()) return base::ExitCode::put_back;
  return base::exit_code(failure->kind);
}

std::string headline(const Work& work, const std::optional<Failure>& failure) {
  const std::string version = work.artifact ? work.artifact->version : work.claim.task.version.value_or("?");
  const std::string what = work.claim.task.type + " of " + version + " on " + work.claim.target;
  if (!failure) return what + " completed";
  const std::string ended = failure->on_request() ? " was ended" : " failed";
  switch (failure->state) {
    case State::untouched: return what + ended + ", the target is untouched: " + failure->message;
    case State::put_back: return what + ended + " and was put back: " + failure->message;
    case State::dirty:
    case State::not_put_back:
      return what + ended + " and COULD NOT BE PUT BACK, hands are needed: " + failure->message +
             (failure->put_back_error.empty() ? "" : "; " + failure->put_back_error);
  }
  return what;
}

/// What runs after a failure that was undone: helm counts its own rollback as a new revision.
std::optional<deploy::Observed> look_after(Work& work, const std::optional<Failure>& failure) {
  if (!failure || failure->state != State::put_back) return std::nullopt;
  try {
    const auto seen = work.deployer.observe(work.heart);
    if (seen.state == deploy::Observed::State::running) return seen;
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || work.heart.ended_at_once()) throw;
    log::warn("record.no_look", e.what(), {{"task_id", work.claim.task.id}});
  }
  return std::nullopt;
}

ordered_json result_json(const Work& work, const std::optional<Failure>& failure,
                         const std::optional<deploy::Observed>& running) {
  ordered_json out;
  out["state"] = failure ? to_text(failure->state) : "applied";
  if (work.artifact) {
    out["version"] = work.artifact->version;
    out["artifact_id"] = work.artifact->id;
  }
  out["target"] = work.claim.target;
  if (!failure && work.applied && work.applied->revision) out["revision"] = *work.applied->revision;
  out["agent"] = work.settings.agent_id;
  out["attempt"] = work.claim.task.attempt;
  out["exit_code"] = base::to_int(exit_code_of(failure));
  if (failure) {
    if (!failure->hint.empty()) out["hint"] = failure->hint;
    if (!failure->evidence.empty()) out["evidence"] = failure->evidence;
    if (running) out["running"] = running->detail;
  }
  return out;
}

/// Whoever cancelled a task knows already.
void tell_admins(db::Transaction& tx, const Work& work, const queue::Ending& ending,
                 const std::optional<Failure>& failure) {
  if (ending.status == queue::Status::cancelled) return;
  const bool webhook = !work.settings.notify.webhook_url.empty();
  auto event = news(work.claim.task, ending.status == queue::Status::completed ? "completed" : "failed",
                    ending.error_message, ending.result);
  notify::enqueue(tx, event, webhook);
  if (!failure || failure->state == State::untouched || failure->state == State::put_back) return;
  event.name = "maintenance.stuck";
  event.key = work.claim.task.id + ":" + std::to_string(work.claim.task.attempt) + ":" + event.name;
  notify::enqueue(tx, event, webhook);
}

/// Tries `act` until the database takes it.
void until_recorded(Work& work, Stop& stop, const std::function<void()>& act) {
  Backoff backoff;
  bool in_doubt = false;
  for (;;) {
    try {
      if (in_doubt && queue::is_recorded(work.link.session(), work.claim)) return;
      work.journal.flush();
      act();
      work.watch.status().database_answers();
      return;
    } catch (const Error& e) {
      // What it refuses for good would be refused for ever: the lease runs out and the task's attempts with it.
      if (!is_outage(e)) throw;
      in_doubt = true;
      work.link.drop();
      work.watch.status().database_is_away();
      if (backoff.tries() == 0) {
        log::warn("record.waits", std::string("the outcome waits for the database: ") + e.what(),
                  {{"task_id", work.claim.task.id}});
      }
    }
    const auto until = base::Deadline::in(backoff.next());
    while (!until.passed()) {
      std::vector<pollfd> fds;
      stop.watch(fds);
      const auto due = base::sooner(until, work.meanwhile.watch(fds));
      ::poll(fds.data(), fds.size(), due.poll_timeout());
      stop.poll();
      work.meanwhile.tick();
      if (stop.at_once()) throw Error(stop.kind(), "ended before the outcome was recorded");
    }
  }
}

}  // namespace

TaskResult record_outcome(Work& work, Stop& stop, const std::optional<Failure>& failure) {
  queue::Ending ending;
  ending.status = status_of(failure);
  ending.message = log::redact(headline(work, failure));
  if (failure)
    ending.error_message = log::redact(failure->message == queue::kTimeoutMessage ? failure->message : ending.message);
  const auto running = look_after(work, failure);
  ending.result = dump(result_json(work, failure, running));
  if (running && (!running->version || running->version == work.before.current_version)) {
    ending.revision = running->revision;
  }
  if (!failure && work.artifact) {
    ending.artifact_id = work.artifact->id;
    if (work.applied) ending.revision = work.applied->revision;
  }
  base::crash_point("record");
  const observe::Stopwatch stopwatch(work.watch.status().phases["record"]);
  until_recorded(work, stop, [&] {
    db::Transaction tx(work.link.session());
    queue::record(tx, work.claim, ending);
    tell_admins(tx, work, ending, failure);
    tx.commit();
  });
  base::crash_point("recorded");
  const bool good = ending.status == queue::Status::completed;
  (good ? log::info : log::error)(good ? "task.completed" : "task.ended", ending.message,
                                  {{"task_id", work.claim.task.id}, {"status", queue::to_text(ending.status)}});
  TaskResult result;
  result.status = ending.status;
  result.exit_code = exit_code_of(failure);
  result.message = ending.message;
  if (failure) result.hint = failure->hint;
  return result;
}

void end_overdue(db::Session& db, bool webhook) {
  db::Transaction tx(db);
  const auto tasks = queue::fail_overdue(tx);
  for (const auto& task : tasks) {
    const bool missed = task.error_message == queue::kMissedMessage;
    notify::enqueue(tx, news(task, missed ? "missed" : "failed", task.error_message, std::nullopt), webhook);
  }
  tx.commit();
  for (const auto& task : tasks) log::error("task.ended", *task.error_message, {{"task_id", task.id}});
}

TaskResult give_back(Work& work, Stop& stop) {
  until_recorded(work, stop,
                 [&] { queue::release(work.link.session(), work.claim, "given back: the agent was asked to end"); });
  TaskResult result;
  result.end = TaskResult::End::released;
  result.exit_code = base::exit_code(stop.kind());
  result.message = "task " + work.claim.task.id + " is pending again: the agent was asked to end";
  log::info("task.released", result.message, {{"task_id", work.claim.task.id}});
  return result;
}

void record_guard(Link& link, const queue::Claim& claim, const exec::ProcessId& guard) {
  try {
    queue::record_guard(link.session(), claim, exec::to_text(guard));
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost) throw;
    if (is_outage(e)) link.drop();
    log::warn("database.away", e.what(), {{"task_id", claim.task.id}});
  }
}

void tidy(Work& work) noexcept {
  try {
    db::Transaction tx(work.link.session());
    const auto row = queue::lock_idle_target(tx, work.claim.target);
    if (!row) return;
    std::vector<std::string> keep;
    for (const auto& version : {row->current_version, row->previous_version}) {
      if (version) keep.push_back(*version);
    }
    work.deployer.tidy(keep);
  } catch (const Error& e) {
    log::warn("tidy.failed", e.what(), {{"task_id", work.claim.task.id}});
  }
}

}  // namespace wrktalk::agent
