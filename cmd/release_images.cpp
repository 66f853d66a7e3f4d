// SPDX-License-Identifier: Apache-2.0
#include "cmd/release.hpp"
#include "core/base/text.hpp"
#include "core/images/store.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

ExitCode run_images(const PickOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection raw(agent_database(env, "release images"));
  const auto one = artifact::find(raw, options.version, options.type, pulse);
  db::Session db(agent_database(env, "release images"));
  const auto found = images::has_tables(db) ? images::images_of(db, one.id) : std::vector<images::Image>{};
  if (env.output == Output::json) {
    ordered_json document = ordered_json::array();
    for (const auto& image : found) {
      document.push_back({{"reference", image.reference},
                          {"digest", image.digest},
                          {"media_type", image.media_type},
                          {"platforms", image.platforms},
                          {"size_bytes", image.size}});
    }
    print_json(document);
    return ExitCode::done;
  }
  Table table({"REFERENCE", "PLATFORMS", "SIZE", "DIGEST"});
  for (const auto& image : found) {
    table.add({base::one_line(image.reference), base::one_line(base::join(image.platforms, ",")),
               base::human_size(static_cast<std::uint64_t>(image.size)), image.digest});
  }
  std::cout << table.text();
  return ExitCode::done;
}

}  // namespace

void add_release_images(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<PickOptions>();
  auto* sub = release.add_subcommand("images", "The images that a stored release carries");
  add_pick(*sub, *options);
  sub->footer(footer({"wrktalk release images 1.4.2", "wrktalk release images 1.4.2 -o json | jq -r '.[].reference'"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] {
    chosen = {"release images", [options](Env& env) { return run_images(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
