// SPDX-License-Identifier: Apache-2.0
#include "cmd/follow.hpp"

#include "core/queue/claim.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <poll.h>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

/// A notification may be lost: look again after this.
constexpr std::chrono::milliseconds kLookAgain{1'000};

ordered_json parsed(const std::optional<std::string>& text) {
  return text ? ordered_json::parse(*text, nullptr, false) : ordered_json();
}

/// Whoever stops watching has not stopped the task.
[[noreturn]] void stop_watching(const base::Error& signal, const queue::Task& task) {
  const bool runs = queue::parse_status(task.status) == queue::Status::in_progress;
  const std::string id = task.id.substr(0, 8);
  throw base::Error(signal.kind(), "stopped watching: task " + id + (runs ? " goes on" : " is still queued"),
                    "follow it with `wrktalk task watch " + id + "`, end it with `wrktalk task cancel " + id + "`");
}

ordered_json or_null(const std::optional<std::string>& text) { return text ? ordered_json(*text) : ordered_json(); }

}  // namespace

std::optional<ExitCode> exit_code_of(const queue::Task& task) {
  const auto status = queue::parse_status(task.status);
  if (status == queue::Status::completed) return ExitCode::done;
  if (status != queue::Status::failed && status != queue::Status::cancelled) return std::nullopt;
  const ordered_json result = parsed(task.result);
  if (result.is_object() && result.contains("exit_code") && result["exit_code"].is_number_integer()) {
    return static_cast<ExitCode>(result["exit_code"].get<int>());
  }
  return ExitCode::failed;
}

ExitCode follow(Env& env, db::Session& db, const std::string& id) {
  SignalPulse pulse(env.signals);
  if (!db.pooled()) db.listen(queue::kChannel);
  long seen = 0;
  for (;;) {
    // The task before its events, so that none is missed when it ends in between.
    const auto task = queue::find(db, id);
    for (const auto& event : queue::events(db, task.id, seen)) {
      if (env.output == Output::text) std::cout << to_line(event) << std::endl;
      seen = event.id;
    }
    if (const auto code = exit_code_of(task)) {
      if (env.output == Output::json) print_json(to_json(task));
      return *code;
    }
    if (db.notified()) continue;
    std::vector<pollfd> fds{{db.socket(), POLLIN, 0}};
    pulse.watch(fds);
    ::poll(fds.data(), fds.size(), static_cast<int>(kLookAgain.count()));
    try {
      pulse.tick();
    } catch (const base::Error& e) {
      if (e.kind() != base::Kind::interrupted && e.kind() != base::Kind::terminated) throw;
      stop_watching(e, task);
    }
  }
}

std::string begins(const queue::Task& task) {
  if (task.execute_after == "infinity" && task.after_task) return "after " + task.after_task->substr(0, 8);
  return task.execute_after.substr(0, 19);
}

ordered_json to_json(const queue::Task& task) {
  return {{"id", task.id},
          {"type", task.type},
          {"status", task.status},
          {"version", or_null(task.version)},
          {"target", or_null(task.target)},
          {"artifact_id", or_null(task.artifact_id)},
          {"phase", or_null(task.phase)},
          {"attempt", task.attempt},
          {"max_attempts", task.max_attempts},
          {"cancel_requested", task.cancel_requested},
          {"claimed_by", or_null(task.claimed_by)},
          {"execute_after", task.execute_after},
          {"after_task", or_null(task.after_task)},
          {"next_task", or_null(task.next_task)},
          {"missed_after", or_null(task.missed_after)},
          {"created_at", task.created_at},
          {"picked_up_at", or_null(task.picked_up_at)},
          {"last_heartbeat", or_null(task.last_heartbeat)},
          {"lease_expires_at", or_null(task.lease_expires_at)},
          {"completed_at", or_null(task.completed_at)},
          {"error_message", or_null(task.error_message)},
          {"payload", parsed(task.payload)},
          {"goal", parsed(task.goal)},
          {"before", parsed(task.before)},
          {"reached", or_null(task.reached)},
          {"held_until", or_null(task.held_until)},
          {"result", parsed(task.result)}};
}

ordered_json to_json(const queue::Event& event) {
  return {{"at", event.at},
          {"attempt", event.attempt},
          {"phase", event.phase},
          {"message", event.message},
          {"data", parsed(event.data)}};
}

std::string to_line(const queue::Event& event) {
  std::string line = event.at.substr(0, 23);
  line.resize(25, ' ');
  line += event.phase;
  line.resize(std::max<std::size_t>(line.size() + 2, 43), ' ');
  return line + indented(event.message, line.size());
}

std::string indented(const std::string& text, std::size_t margin) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out.append(margin, ' ');
  }
  return out;
}

}  // namespace wrktalk::cmd
