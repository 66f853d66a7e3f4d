// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/queue/prune.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

struct PruneOptions {
  queue::PruneRules rules;
  bool dry_run = false;
};

std::string counted(const queue::Pruned& rows) {
  return std::to_string(rows.tasks) + " finished tasks with " + std::to_string(rows.events) + " events, and " +
         std::to_string(rows.notifications) + " notifications";
}

/// All that may go, batch after batch; ^C ends it between two of them.
queue::Pruned remove_all(db::Session& db, const queue::PruneRules& rules, SignalPulse& pulse) {
  queue::Pruned sum;
  for (bool more = true; more;) {
    const auto batch = queue::prune_batch(db, rules);
    sum.tasks += batch.tasks;
    sum.events += batch.events;
    sum.notifications += batch.notifications;
    more = batch.more;
    if (more) pulse.tick();
  }
  return sum;
}

ExitCode run_prune(const PruneOptions& options, Env& env) {
  db::Session db(agent_database(env, "task prune"));
  queue::require_schema(db);
  auto rows = queue::prunable_rows(db, options.rules);
  const bool nothing = rows.tasks == 0 && rows.notifications == 0;
  if (!options.dry_run && !nothing) {
    if (!confirm(env, "remove " + counted(rows) + ", all older than " + std::to_string(options.rules.keep_days) +
                          " days?")) {
      return ExitCode::failed;
    }
    SignalPulse pulse(env.signals);
    rows = remove_all(db, options.rules, pulse);
  }
  if (env.output == Output::json) {
    print_json({{"tasks", rows.tasks},
                {"events", rows.events},
                {"notifications", rows.notifications},
                {"removed", !options.dry_run}});
  } else {
    std::cout << (options.dry_run ? "would remove " : "removed ") << counted(rows)
              << (options.dry_run ? "; nothing was changed\n" : "\n");
  }
  return ExitCode::done;
}

}  // namespace

void add_task_prune(CLI::App& task, Selected& chosen) {
  auto options = std::make_shared<PruneOptions>();
  auto* sub = task.add_subcommand("prune", "Remove old finished tasks with their events, and old notifications");
  sub->add_option("--keep-days", options->rules.keep_days, "What is younger stays")
      ->check(CLI::Range(1, 36'500))
      ->capture_default_str();
  sub->add_option("--keep", options->rules.keep,
                  "This many finished tasks of each target, the newest, stay in any case")
      ->check(CLI::Range(options->rules.keep, 1'000'000))
      ->capture_default_str();
  sub->add_flag("--dry-run", options->dry_run, "Say what would be removed, change nothing");
  sub->footer(footer({"wrktalk task prune --dry-run", "wrktalk task prune --keep-days 90 --keep 50 --yes"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"task prune", [options](Env& env) { return run_prune(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
