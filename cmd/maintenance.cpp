// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "cmd/app.hpp"
#include "cmd/follow.hpp"
#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
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
  std::string lasts;
  bool all = false;
  bool exit_code = false;
};

/// A command ends with its connection.
maintenance::Sessions always(db::Session& db) {
  return [&db]() -> db::Session& { return db; };
}

ordered_json or_null(const std::optional<std::string>& text) { return text ? ordered_json(*text) : ordered_json(); }

ordered_json site_as_json(const maintenance::State& state) {
  if (state.site.empty()) return nullptr;
  const int status = state.answer.status;
  return {{"url", state.site}, {"status", status == 0 ? ordered_json() : ordered_json(status)}};
}

void print_as_json(const maintenance::State& state, const std::vector<std::string>& disagreements) {
  ordered_json windows = ordered_json::array();
  for (const auto& window : state.windows) {
    windows.push_back({{"owner", window.owner},
                       {"agent", window.agent_id},
                       {"reason", or_null(window.reason)},
                       {"opened_by", window.opened_by},
                       {"opened_at", window.opened_at},
                       {"expires_at", or_null(window.ends_at)},
                       {"over", window.over}});
  }
  print_json({{"maintenance", state.enabled || state.held()},
              {"enabled", state.enabled},
              {"proxy", state.proxy},
              {"shown", state.shown ? ordered_json(*state.shown) : ordered_json()},
              {"site", site_as_json(state)},
              {"windows", windows},
              {"disagreements", disagreements}});
}

void print_text(const maintenance::State& state, const std::vector<std::string>& disagreements) {
  std::cout << "maintenance is " << (state.enabled || state.held() ? "on" : "off") << '\n';
  for (const auto& window : state.windows) {
    std::cout << "  " << (window.over ? "over, " : "") << "held by " << window.owner << " (" << window.opened_by
              << ") on " << window.agent_id << " since " << window.opened_at.substr(0, 19);
    if (window.ends_at) std::cout << " until " << window.ends_at->substr(0, 19);
    if (window.reason) std::cout << ": " << *window.reason;
    std::cout << '\n';
  }
  std::cout << "  " << state.proxy << ' '
            << (state.shown ? (*state.shown ? "shows it" : "does not show it") : "cannot be asked") << '\n';
  if (state.answer.status != 0) {
    std::cout << "  the site answers " << state.answer.status << " at " << state.site << '\n';
  }
  for (const auto& sentence : disagreements) std::cout << "DISAGREEMENT: " << sentence << '\n';
}

void print(const Env& env, const maintenance::State& state) {
  const auto disagreements = maintenance::disagreements(state);
  env.output == Output::json ? print_as_json(state, disagreements) : print_text(state, disagreements);
}

/// After a switch: what the site answers is told by the exit code.
ExitCode print_switched(Env& env, db::Session& db, const maintenance::Settings& settings) {
  SignalPulse pulse(env.signals);
  const auto state = maintenance::settled_state(always(db), settings, pulse);
  print(env, state);
  return maintenance::site_disagreement(state) ? ExitCode::difference : ExitCode::done;
}

ExitCode print_state(Env& env, db::Session& db, const maintenance::Settings& settings, bool exit_code) {
  SignalPulse pulse(env.signals);
  const auto state = maintenance::state(always(db), settings, pulse);
  print(env, state);
  return exit_code && !maintenance::disagreements(state).empty() ? ExitCode::difference : ExitCode::done;
}

/// Throws Error(usage).
std::optional<std::chrono::milliseconds> lasts_of(const MaintenanceOptions& options) {
  if (options.lasts.empty()) return std::nullopt;
  const auto lasts = base::parse_duration(options.lasts);
  if (lasts.count() <= 0) throw base::Error(base::Kind::usage, "--for: no time at all", "give a time such as 30m");
  return lasts;
}

void switch_on(db::Session& db, const maintenance::Settings& settings, const MaintenanceOptions& options,
               base::Pulse& pulse) {
  const char* user = std::getenv("USER");
  maintenance::Opening opening;
  opening.owner = maintenance::kOperator;
  opening.reason = options.reason;
  opening.opened_by = user != nullptr && *user != '\0' ? user : "operator";
  opening.lasts = lasts_of(options);
  maintenance::open(always(db), settings, opening, pulse);
}

void switch_off(db::Session& db, const maintenance::Settings& settings, const MaintenanceOptions& options,
                base::Pulse& pulse) {
  if (options.all) {
    // A task in progress closes its window itself.
    for (const auto& window : maintenance::state(always(db), settings, pulse).windows) {
      if (window.owner == maintenance::kOperator || !exit_code_of(queue::find(db, window.owner))) continue;
      maintenance::close(always(db), settings, window.owner, std::nullopt, pulse);
    }
  }
  maintenance::close(always(db), settings, maintenance::kOperator, std::nullopt, pulse);
}

ExitCode run_maintenance(const std::string& action, const MaintenanceOptions& options, Env& env) {
  lasts_of(options);  // invalid usage is told before anything else
  const auto settings = agent::ready(env.settings.agent, {}, {}).maintenance;
  db::Session db(agent_database(env, "maintenance " + action));
  queue::require_schema(db);
  SignalPulse pulse(env.signals);
  if (action == "on") switch_on(db, settings, options, pulse);
  if (action == "off") switch_off(db, settings, options, pulse);
  return action == "status" ? print_state(env, db, settings, options.exit_code) : print_switched(env, db, settings);
}

}  // namespace

void add_maintenance(CLI::App& app, Selected& chosen) {
  auto* maintenance =
      app.add_subcommand("maintenance", "Hold the site in maintenance: 503 at the proxy")->group("Releases");
  maintenance->require_subcommand(1);
  auto options = std::make_shared<MaintenanceOptions>();
  const auto add = [&](const char* name, const char* help, const std::string& end) {
    auto* sub = maintenance->add_subcommand(name, help);
    sub->footer(end);
    sub->callback([options, &chosen, name] {
      chosen = {std::string("maintenance ") + name,
                [options, name](Env& env) { return run_maintenance(name, *options, env); }};
    });
    return sub;
  };
  auto* on = add("on", "Open the operator's window; a deployment does not close it",
                 footer({"wrktalk maintenance on --reason 'new disks'", "wrktalk maintenance on --for 30m"},
                        {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference,
                         ExitCode::configuration, ExitCode::database, ExitCode::child}));
  on->add_option("--reason", options->reason, "Shown by `maintenance status`");
  on->add_option("--for", options->lasts, "Close it by itself after this time: 30m, 2h (needs `poll --loop` here)");
  auto* off = add("off", "Close the operator's window",
                  footer({"wrktalk maintenance off", "wrktalk maintenance off --all"},
                         {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference,
                          ExitCode::configuration, ExitCode::database, ExitCode::child}));
  off->add_flag("--all", options->all, "Close those of failed tasks too: their target was repaired by hand");
  auto* status = add("status", "Who holds the site in maintenance, and whether the proxy agrees",
                     footer({"wrktalk maintenance status", "wrktalk maintenance status --exit-code -o json"},
                            {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference,
                             ExitCode::configuration, ExitCode::database}));
  status->add_flag("--exit-code", options->exit_code, "Exit with 3 when database, windows and proxy do not agree");
}

}  // namespace wrktalk::cmd
