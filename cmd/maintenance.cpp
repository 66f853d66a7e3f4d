// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "cmd/app.hpp"
#include "core/agent/settings.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

struct MaintenanceOptions {
  std::string reason;
};

ExitCode print_state(const Env& env, const maintenance::Settings& settings, const maintenance::State& state) {
  if (env.output == Output::json) {
    ordered_json windows = ordered_json::array();
    for (const auto& window : state.windows) {
      windows.push_back({{"owner", window.owner},
                         {"reason", window.reason ? ordered_json(*window.reason) : ordered_json()},
                         {"opened_by", window.opened_by},
                         {"opened_at", window.opened_at}});
    }
    print_json(
        {{"enabled", state.enabled}, {"flag_file", settings.flag_file}, {"flag", state.flag}, {"windows", windows}});
    return ExitCode::done;
  }
  std::cout << "maintenance is " << (state.windows.empty() && !state.enabled ? "off" : "on") << '\n';
  for (const auto& window : state.windows) {
    std::cout << "  held by " << window.owner << " (" << window.opened_by << ") since "
              << window.opened_at.substr(0, 19);
    if (window.reason) std::cout << ": " << *window.reason;
    std::cout << '\n';
  }
  if (state.enabled && state.windows.empty()) std::cout << "  switched on in deployment_config\n";
  if (!settings.flag_file.empty() && state.flag == (state.windows.empty() && !state.enabled)) {
    std::cout << "  the flag file " << settings.flag_file << " on this machine is "
              << (state.flag ? "there" : "not there") << '\n';
  }
  return ExitCode::done;
}

ExitCode run_maintenance(const std::string& action, const MaintenanceOptions& options, Env& env) {
  db::Session db(agent_database(env, "maintenance " + action));
  queue::require_schema(db);
  const auto settings = agent::settings_from(env.settings, {}, {}).maintenance;
  if (action == "on") {
    const char* user = std::getenv("USER");
    maintenance::open(db, settings, maintenance::kOperator, options.reason, user != nullptr ? user : "operator");
  } else if (action == "off") {
    maintenance::close(db, settings, maintenance::kOperator);
  }
  return print_state(env, settings, maintenance::state(db, settings));
}

}  // namespace

void add_maintenance(CLI::App& app, Selected& chosen) {
  auto* maintenance =
      app.add_subcommand("maintenance", "Hold the site in maintenance: 503 at the proxy")->group("Releases");
  maintenance->require_subcommand(1);
  auto options = std::make_shared<MaintenanceOptions>();
  const auto add = [&](const char* name, const char* help) {
    auto* sub = maintenance->add_subcommand(name, help);
    sub->footer(
        footer({"wrktalk maintenance on --reason 'new disks'", "wrktalk maintenance off",
                "wrktalk maintenance status -o json"},
               {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
    sub->callback([options, &chosen, name] {
      chosen = {std::string("maintenance ") + name,
                [options, name](Env& env) { return run_maintenance(name, *options, env); }};
    });
    return sub;
  };
  add("on", "Open the operator's window; a deployment does not close it")
      ->add_option("--reason", options->reason, "Shown by `maintenance status`");
  add("off", "Close the operator's window");
  add("status", "Who holds the site in maintenance, and whether the flag agrees");
}

}  // namespace wrktalk::cmd
