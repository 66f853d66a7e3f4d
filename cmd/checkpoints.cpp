// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/checkpoints/prune.hpp"
#include "core/log/log.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;
using checkpoints::Counts;

struct PruneOptions {
  std::string older_than;
  std::optional<std::int64_t> keep_latest;
  std::optional<std::string> thread;
  std::optional<std::string> checkpoint_ns;
  std::int64_t batch = 1000;
  std::string pause = "100ms";
  bool dry_run = false;
};

checkpoints::Rule rule_of(const PruneOptions& options) {
  if (options.older_than.empty() && !options.keep_latest) {
    throw Error(Kind::usage, "what may go is not said", "give --older-than, --keep-latest, or both");
  }
  checkpoints::Rule rule;
  if (!options.older_than.empty()) rule.older_than = base::parse_duration(options.older_than);
  rule.keep_latest = options.keep_latest.value_or(1);
  if (rule.keep_latest < 1) {
    throw Error(Kind::usage, "--keep-latest " + std::to_string(rule.keep_latest) + " would end threads for good",
                "keep at least 1, which is what a thread resumes from");
  }
  rule.thread = options.thread;
  rule.checkpoint_ns = options.checkpoint_ns;
  return rule;
}

void print(const Counts& counts, bool dry_run) {
  std::cout << (dry_run ? "would delete " : "deleted ") << counts.checkpoints << " checkpoints, " << counts.writes
            << " writes and " << counts.blobs << " blobs of " << counts.threads << " threads\n";
  if (counts.delta_threads > 0) {
    std::cout << "left alone: " << counts.delta_threads
              << " threads that use a DeltaChannel, whose state is rebuilt from old checkpoints\n";
  }
}

ExitCode run_prune(const PruneOptions& options, Env& env) {
  const checkpoints::Rule rule = rule_of(options);
  if (options.batch < 1) throw Error(Kind::usage, "--batch takes a number above 0");
  const checkpoints::Pace pace{options.batch, base::parse_duration(options.pause)};
  SignalPulse pulse(env.signals);
  db::raw::Connection connection(checkpoint_database(env, "checkpoints prune"));
  auto told = base::Deadline::in(std::chrono::seconds(10));
  const auto progress = [&](const Counts& counts) {
    if (!told.passed()) return;
    told = base::Deadline::in(std::chrono::seconds(10));
    log::info("checkpoints.progress", std::to_string(counts.checkpoints) + " checkpoints of " +
                                          std::to_string(counts.threads) + " threads so far");
  };
  const Counts counts = options.dry_run ? checkpoints::count(connection, rule, pulse, progress)
                                        : checkpoints::prune(connection, rule, pace, pulse, progress);
  if (env.output == Output::json) {
    print_json({{"dry_run", options.dry_run},
                {"threads", counts.threads},
                {"checkpoints", counts.checkpoints},
                {"writes", counts.writes},
                {"blobs", counts.blobs},
                {"delta_threads", counts.delta_threads}});
  } else {
    print(counts, options.dry_run);
  }
  return ExitCode::done;
}

}  // namespace

void add_checkpoints(CLI::App& app, Selected& chosen) {
  auto* parent = app.add_subcommand("checkpoints", "Retention of LangGraph's checkpoints: prune")->group("Database");
  parent->require_subcommand(1);
  auto options = std::make_shared<PruneOptions>();
  auto* sub = parent->add_subcommand("prune", "Delete old checkpoints; every thread can still be resumed");
  sub->add_option("--older-than", options->older_than, "Delete what is older than this, such as 30d");
  sub->add_option("--keep-latest", options->keep_latest, "But keep so many of each thread and namespace (default 1)");
  sub->add_option("--thread", options->thread, "In this thread alone");
  sub->add_option("--namespace", options->checkpoint_ns,
                  "In this checkpoint_ns alone; '' is the root graph with the calls of subgraphs that it made");
  sub->add_option("--batch", options->batch, "Checkpoints in one transaction")->capture_default_str();
  sub->add_option("--pause", options->pause, "Between two transactions")->capture_default_str();
  sub->add_flag("--dry-run", options->dry_run, "Count what would go, delete nothing");
  sub->footer(footer(
      {"wrktalk checkpoints prune --older-than 30d", "wrktalk checkpoints prune --older-than 30d --keep-latest 10",
       "wrktalk checkpoints prune --keep-latest 1 --thread user-42 --dry-run"},
      {ExitCode::done, ExitCode::usage, ExitCode::busy, ExitCode::configuration, ExitCode::database, ExitCode::failed,
       ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"checkpoints prune", [options](Env& env) { return run_prune(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
