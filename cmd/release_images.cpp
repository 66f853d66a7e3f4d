// SPDX-License-Identifier: Apache-2.0
#include "cmd/release.hpp"
#include "cmd/release_chart.hpp"
#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/images/store.hpp"
#include "core/log/log.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <set>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

/// What a release names, as far as that can be told; what keeps it from being told is said.
std::vector<std::string> named_images(db::raw::Connection& db, const artifact::Artifact& one, const Env& env,
                                      base::Pulse& pulse) {
  const base::TempDir folder(base::temporary_parent(), "wrktalk-images-");
  const std::string path = folder.path() + "/release.tgz";
  artifact::export_to(db, one, path, pulse);
  const auto texts = artifact::texts_of(db, one.id, pulse);
  if (one.chart_type == "helm") {
    auto chart = judge_chart(path, texts.values, Images::listed, env, pulse);
    if (!chart.trial.is_rendered)
      log::warn("release.not_tried", "what is missing cannot be told: " + chart.trial.why_not);
    return std::move(chart.images);
  }
  const auto file = artifact::check_file(path, one.chart_type, env.settings.agent.limits, pulse);
  auto bundle = judge_bundle(file, texts.env, {}, Images::listed, env, pulse);
  if (!bundle.was_tried)
    log::warn("release.not_tried", "compose is not on this machine: what is missing cannot be told");
  return std::move(bundle.images);
}

/// What a release names and does not carry; empty where that cannot be told.
std::set<std::string> not_carried(db::raw::Connection& db, const artifact::Artifact& one,
                                  const std::vector<images::Image>& found, const Env& env, base::Pulse& pulse) {
  std::set<std::string> missing;
  if (one.chart_type == "host") return missing;
  try {
    const auto named = named_images(db, one, env, pulse);
    missing.insert(named.begin(), named.end());
  } catch (const base::Error& error) {
    const bool is_told = error.kind() == base::Kind::artifact || error.kind() == base::Kind::configuration;
    if (!is_told) throw;
    log::warn("release.not_tried", std::string("what is missing cannot be told: ") + error.what());
  }
  for (const auto& image : found) missing.erase(image.reference);
  return missing;
}

ExitCode run_images(const PickOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection raw(agent_database(env, "release images"));
  const auto one = artifact::find(raw, options.version, options.type, pulse);
  db::Session db(agent_database(env, "release images"));
  const auto found = images::has_tables(db) ? images::images_of(db, one.id) : std::vector<images::Image>{};
  const auto missing = not_carried(raw, one, found, env, pulse);
  if (env.output == Output::json) {
    ordered_json document = ordered_json::array();
    for (const auto& image : found) {
      document.push_back({{"reference", image.reference},
                          {"carried", true},
                          {"digest", image.digest},
                          {"media_type", image.media_type},
                          {"platforms", image.platforms},
                          {"size_bytes", image.size}});
    }
    for (const auto& reference : missing) document.push_back({{"reference", reference}, {"carried", false}});
    print_json(document);
    return ExitCode::done;
  }
  Table table({"REFERENCE", "PLATFORMS", "SIZE", "DIGEST"});
  for (const auto& image : found) {
    table.add({base::one_line(image.reference), base::one_line(base::join(image.platforms, ",")),
               base::human_size(static_cast<std::uint64_t>(image.size)), image.digest});
  }
  for (const auto& reference : missing) table.add({base::one_line(reference), "-", "-", "not carried"});
  std::cout << table.text();
  return ExitCode::done;
}

}  // namespace

void add_release_images(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<PickOptions>();
  auto* sub =
      release.add_subcommand("images", "The images that a stored release carries, and those that it names besides");
  add_pick(*sub, *options);
  sub->footer(footer({"wrktalk release images 1.4.2",
                      "wrktalk release images 1.4.2 -o json | jq -r '.[] | select(.carried).reference'"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] {
    chosen = {"release images", [options](Env& env) { return run_images(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
