// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/config/named_databases.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

ExitCode show(const Env& env) {
  const std::string agent = db::describe(agent_database(env, "config show"));
  const std::string checkpoint = db::describe(checkpoint_database(env, "config show"));
  if (env.output == Output::json) {
    nlohmann::ordered_json document;
    for (const auto& item : config::definitions()) {
      const settings::Value& value = env.values.at(item.key);
      document["settings"][item.key] = {{"value", config::shown(item, value)},
                                        {"source", settings::to_text(value.source)},
                                        {"origin", value.origin},
                                        {"variable", item.variable}};
    }
    for (const auto& one : config::named_databases(env.values)) {
      const settings::Value& value = env.values.at(one.key);
      document["settings"][one.key] = {{"value", "***"},
                                       {"source", settings::to_text(value.source)},
                                       {"origin", value.origin},
                                       {"variable", one.variable}};
    }
    document["unknown"] = nlohmann::ordered_json::array();
    for (const auto& [name, meant] : env.unknown) {
      document["unknown"].push_back({{"variable", name}, {"meant", meant ? nlohmann::json(*meant) : nlohmann::json()}});
    }
    document["databases"] = {{"agent", agent}, {"checkpoint", checkpoint}};
    for (const auto& [name, database] : env.settings.agent.app_databases)
      document["databases"][name] = db::describe(database);
    print_json(document);
    return ExitCode::done;
  }
  Table table({"KEY", "VALUE", "FROM", "VARIABLE"});
  for (const auto& item : config::definitions()) {
    const settings::Value& value = env.values.at(item.key);
    table.add({item.key, config::shown(item, value), value.origin, item.variable});
  }
  for (const auto& one : config::named_databases(env.values))
    table.add({one.key, "***", env.values.at(one.key).origin, one.variable});
  std::cout << table.text() << '\n';
  for (const auto& unknown : env.unknown) std::cout << config::to_text(unknown) << '\n';
  std::cout << (env.unknown.empty() ? "" : "\n") << "agent database:       " << agent
            << "\ncheckpoint database:  " << checkpoint << '\n';
  for (const auto& [name, database] : env.settings.agent.app_databases)
    std::cout << "database " << name << ": " << std::string(12 - std::min<std::size_t>(12, name.size()), ' ')
              << db::describe(database) << '\n';
  return ExitCode::done;
}

}  // namespace

void add_config(CLI::App& app, Selected& chosen) {
  auto* config = app.add_subcommand("config", "Settings and where each comes from")->group("Set-up");
  config->require_subcommand(1);
  auto* sub = config->add_subcommand("show", "Every setting with its value and its source; secrets as ***");
  sub->footer(footer({"wrktalk config show", "wrktalk config show -o json | jq '.settings[\"db.host\"]'"},
                     {ExitCode::done, ExitCode::usage, ExitCode::configuration}));
  sub->callback([&chosen] {
    chosen = {"config show", show};
    chosen.offline = true;
  });
}

}  // namespace wrktalk::cmd
