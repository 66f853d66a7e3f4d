// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/base/text.hpp"
#include "core/images/prune.hpp"
#include "core/images/usage.hpp"
#include "core/queue/retention.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

struct PruneOptions {
  int keep = 10;
  bool dry_run = false;
};

std::string named(const queue::Prunable& release) {
  return release.version + " (" + base::one_line(release.chart_type) + ", " + base::human_size(release.size_bytes) +
         ", stored " + release.created_at.substr(0, 10) + ")";
}

ExitCode run_prune(const PruneOptions& options, Env& env) {
  db::Session db(agent_database(env, "release prune"));
  queue::require_schema(db);
  const auto found = queue::prunable(db, options.keep);
  if (!options.dry_run && !found.empty()) {
    std::string question = "remove " + std::to_string(found.size()) + " stored releases:";
    for (const auto& release : found) question += "\n  " + named(release);
    if (!confirm(env, question + "\nremove them?")) return ExitCode::failed;
  }
  const bool has_images = images::has_tables(db);
  std::vector<images::Blob> blobs;
  ordered_json document = ordered_json::array();
  std::uint64_t freed = 0;
  std::size_t removed = 0;
  for (const auto& release : found) {
    const auto needed = has_images ? images::blobs_of(db, release.id) : std::vector<images::Blob>{};
    const bool gone = options.dry_run || queue::prune(db, release.id);
    if (gone) blobs.insert(blobs.end(), needed.begin(), needed.end());
    if (gone) {
      ++removed;
      freed += release.size_bytes;
    }
    if (env.output == Output::json) {
      document.push_back({{"id", release.id},
                          {"version", release.version},
                          {"chart_type", release.chart_type},
                          {"size_bytes", release.size_bytes},
                          {"removed", gone && !options.dry_run}});
    } else {
      std::cout << (options.dry_run ? "would remove "
                    : gone          ? "removed "
                                    : "kept, a task needs it now: ")
                << named(release) << '\n';
    }
  }
  images::Freed free;
  SignalPulse pulse(env.signals);
  if (has_images && !options.dry_run) free = images::prune(db, blobs, pulse);
  if (env.output == Output::json) {
    print_json(document);
  } else {
    if (free.blobs != 0) {
      std::cout << "removed " << free.blobs << " image blobs, "
                << base::human_size(static_cast<std::uint64_t>(free.bytes)) << '\n';
    }
    std::cout << removed << " releases, " << base::human_size(freed)
              << (options.dry_run ? "; nothing was changed\n" : "\n");
  }
  return ExitCode::done;
}

}  // namespace

void add_release_prune(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<PruneOptions>();
  auto* sub = release.add_subcommand(
      "prune", "Remove old releases; never a current or previous one, nor one that a task waits for");
  sub->add_option("--keep", options->keep, "This many of each type, the newest, stay in any case")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  sub->add_flag("--dry-run", options->dry_run, "Say what would be removed, change nothing");
  sub->footer(footer({"wrktalk release prune --dry-run", "wrktalk release prune --keep 5 --yes"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] {
    chosen = {"release prune", [options](Env& env) { return run_prune(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
