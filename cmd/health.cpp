// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/agent/settings.hpp"
#include "core/base/text.hpp"
#include "core/observe/state_file.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

struct HealthOptions {
  std::string max_age = "30s";
};

ExitCode run_health(const HealthOptions& options, const Env& env) {
  const auto max_age = base::parse_duration(options.max_age);
  const auto health = observe::health(env.settings.agent.state_file(), max_age);
  const bool known = health.tick_age.count() >= 0;
  if (env.output == Output::json) {
    print_json({{"healthy", health.good},
                {"agent", env.settings.agent.agent_id},
                {"tick_age_seconds",
                 known ? ordered_json(static_cast<double>(health.tick_age.count()) / 1000) : ordered_json()},
                {"reason", health.good ? ordered_json() : ordered_json(health.reason)}});
  } else if (health.good) {
    std::cout << "healthy: the loop's last tick was " << base::human_duration(health.tick_age) << " ago\n";
  } else {
    std::cout << "not healthy: " << health.reason << '\n';
  }
  return health.good ? ExitCode::done : ExitCode::failed;
}

}  // namespace

void add_health(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<HealthOptions>();
  auto* sub = app.add_subcommand("health", "Whether the main loop of the agent on this machine is alive: an exec probe")
                  ->group("Releases");
  sub->add_option("--max-age", options->max_age, "The oldest that its loop's last tick may be")
      ->type_name("DURATION")
      ->capture_default_str();
  sub->footer(footer({"wrktalk health --max-age 30s", "wrktalk health -o json | jq .tick_age_seconds"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration}));
  sub->callback([options, &chosen] {
    chosen = {"health", [options](Env& env) { return run_health(*options, env); }};
    chosen.offline = true;
    chosen.probe = true;
  });
}

}  // namespace wrktalk::cmd
