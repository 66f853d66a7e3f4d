// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/follow.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/goal.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

struct TaskOptions {
  std::string id;
  std::string at;
  bool now = false;
  std::string status;
  std::string target;
  int limit = 20;
};

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

ExitCode list(const TaskOptions& options, Env& env) {
  db::Session db(agent_database(env, "task list"));
  const auto tasks = queue::list(db, {given(options.status), given(options.target), options.limit});
  if (env.output == Output::json) {
    ordered_json out = ordered_json::array();
    for (const auto& task : tasks) out.push_back(to_json(task));
    print_json(out);
    return ExitCode::done;
  }
  if (tasks.empty()) {
    std::cout << "no tasks\n";
    return ExitCode::done;
  }
  Table table({"ID", "TYPE", "VERSION", "TARGET", "STATUS", "PHASE", "ATTEMPT", "EXECUTE AFTER", "COMPLETED"});
  for (const auto& task : tasks) {
    table.add({task.id.substr(0, 8), task.type, task.version.value_or("-"), task.target.value_or("(default)"),
               task.status, task.phase.value_or("-"),
               std::to_string(task.attempt) + "/" + std::to_string(task.max_attempts), begins(task),
               task.completed_at.value_or("-").substr(0, 19)});
  }
  std::cout << table.text();
  return ExitCode::done;
}

/// A release in JSON: "1.0.0 (revision 3)", or "nothing" and "unknown" as its state says; empty when it tells neither.
std::optional<std::string> named(const std::optional<std::string>& text) {
  const auto release = queue::parse_goal(text);
  const std::string revision = release.revision ? "revision " + std::to_string(*release.revision) : "";
  if (release.version) return *release.version + (revision.empty() ? "" : " (" + revision + ")");
  if (!revision.empty()) return revision;
  const auto object = text ? ordered_json::parse(*text, nullptr, false) : ordered_json();
  if (!object.is_object() || !object.contains("state") || !object["state"].is_string()) return std::nullopt;
  return object["state"].get<std::string>();
}

void print_details(const queue::Task& task) {
  const auto line = [](const char* name, const std::optional<std::string>& value) {
    if (!value) return;
    std::string head = name;
    head.resize(16, ' ');
    std::cout << head << indented(*value, head.size()) << '\n';
  };
  line("Task:", task.id);
  line("Type:", task.type);
  line("Version:", task.version);
  line("Target:", task.target.value_or("(default target of the release's kind)"));
  line("Status:", task.status + (task.cancel_requested && !exit_code_of(task) ? " (to be cancelled)" : ""));
  line("Goes to:", named(task.goal));
  line("Ran before:", named(task.before));
  line("Reached:", task.reached);
  line("Held until:", task.held_until);
  line("Phase:", task.phase);
  line("Attempt:", std::to_string(task.attempt) + " of " + std::to_string(task.max_attempts));
  line("Agent:", task.claimed_by);
  line("Execute after:", task.execute_after);
  line("After task:", task.after_task);
  line("Before task:", task.next_task);
  line("Missed after:", task.missed_after);
  line("Picked up:", task.picked_up_at);
  line("Last heartbeat:", task.last_heartbeat);
  line("Lease until:", task.lease_expires_at);
  line("Completed:", task.completed_at);
  line("Payload:", task.payload);
  line("Error:", task.error_message);
  const auto result = task.result ? ordered_json::parse(*task.result, nullptr, false) : ordered_json();
  if (!result.is_object()) return;
  for (const char* name : {"state", "revision", "hint"}) {
    if (result.contains(name)) {
      line((std::string(1, static_cast<char>(name[0] - 32)) + (name + 1) + ":").c_str(),
           result[name].is_string() ? result[name].get<std::string>() : result[name].dump());
    }
  }
  if (result.contains("evidence") && result["evidence"].is_string()) {
    std::cout << "Evidence:\n  " << indented(base::trim(result["evidence"].get<std::string>()), 2) << '\n';
  }
}

ExitCode show(const TaskOptions& options, Env& env) {
  db::Session db(agent_database(env, "task show"));
  const auto task = queue::find(db, options.id);
  const auto events = queue::events(db, task.id);
  if (env.output == Output::json) {
    ordered_json out = to_json(task);
    out["events"] = ordered_json::array();
    for (const auto& event : events) out["events"].push_back(to_json(event));
    print_json(out);
    return ExitCode::done;
  }
  print_details(task);
  if (!events.empty()) std::cout << "Events:\n";
  for (const auto& event : events) std::cout << "  " << to_line(event) << '\n';
  return ExitCode::done;
}

ExitCode watch(const TaskOptions& options, Env& env) {
  db::Session db(agent_database(env, "task watch"));
  return follow(env, db, options.id);
}

/// One change to one task, then a line about it.
ExitCode change(const std::string& name, const TaskOptions& options, Env& env,
                const std::function<std::string(db::Session&, const std::string& id)>& act) {
  db::Session db(agent_database(env, name));
  const auto task = queue::find(db, options.id);
  const std::string message = act(db, task.id);
  if (env.output == Output::json) {
    print_json(to_json(queue::find(db, task.id)));
  } else {
    std::cout << "task " << task.id << ' ' << message << '\n';
  }
  return ExitCode::done;
}

ExitCode cancel(const TaskOptions& options, Env& env) {
  return change("task cancel", options, env, [](db::Session& db, const std::string& id) {
    return queue::cancel(db, id) == "cancelled" ? std::string("is cancelled")
                                                : std::string("will be cancelled at its next safe point and put back");
  });
}

ExitCode retry(const TaskOptions& options, Env& env) {
  return change("task retry", options, env, [](db::Session& db, const std::string& id) {
    queue::retry(db, id);
    return std::string("is pending again");
  });
}

ExitCode reschedule(const TaskOptions& options, Env& env) {
  return change("task reschedule", options, env, [&](db::Session& db, const std::string& id) {
    return "will run after " +
           queue::reschedule(db, id, options.at, options.now ? queue::Past::meant : queue::Past::refused).shown;
  });
}

}  // namespace

void add_task(CLI::App& app, Selected& chosen) {
  auto* task = app.add_subcommand("task", "Look at the queue and change it")->group("Releases");
  task->require_subcommand(1);
  auto options = std::make_shared<TaskOptions>();
  const auto add = [&](const char* name, const char* help, ExitCode (*run)(const TaskOptions&, Env&),
                       std::initializer_list<const char*> examples) {
    auto* sub = task->add_subcommand(name, help);
    sub->footer(footer(
        examples, {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
    sub->callback([options, &chosen, run, name] {
      chosen = {std::string("task ") + name, [options, run](Env& env) { return run(*options, env); }};
    });
    return sub;
  };
  const auto with_id = [&](CLI::App* sub) {
    sub->add_option("ID", options->id, "The task's id, or the beginning of it")->required();
    return sub;
  };
  auto* list_command =
      add("list", "Newest first", list, {"wrktalk task list", "wrktalk task list --status failed -o json"});
  list_command->add_option("--status", options->status, "Only these")
      ->check(CLI::IsMember({"pending", "inProgress", "completed", "failed", "cancelled"}));
  list_command->add_option("--target", options->target, "Only those of this target");
  list_command->add_option("--limit", options->limit, "At most this many")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  with_id(add("show", "One task with its whole story", show, {"wrktalk task show 3f2a"}));
  with_id(add("watch", "Follow a task to its end; the exit code is the task's", watch, {"wrktalk task watch 3f2a"}));
  with_id(add("cancel", "Cancel a pending task, or ask a running one to end and be put back", cancel,
              {"wrktalk task cancel 3f2a"}));
  with_id(add("retry", "Make a failed or cancelled task pending again", retry, {"wrktalk task retry 3f2a"}));
  auto* move = with_id(add("reschedule", "Move a pending task", reschedule,
                           {"wrktalk task reschedule 3f2a --at '2026-12-01 02:00 Europe/Berlin'"}));
  move->add_option("--at", options->at, "When, like '2026-12-01 02:00 Europe/Berlin' or +2h")->required();
  move->add_flag("--now", options->now, "A time that has passed is meant: begin at once");
  add_task_prune(*task, chosen);
}

}  // namespace wrktalk::cmd
