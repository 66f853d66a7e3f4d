// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/site.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/target.hpp"
#include "core/site/values.hpp"
#include "core/yaml/document.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;

constexpr const char* kHidden = "***";

struct ShowOptions {
  SiteTarget target;
  std::string key;
};

std::vector<site::Stored> stored(const deploy::Target& target, Env& env) {
  db::Session db(agent_database(env, "site"));
  queue::require_schema(db);
  return site::list(db, target.name);
}

/// What a reader of the setting may see; nothing when this login may read no values.
std::optional<std::string> shown(const site::Stored& one) {
  if (one.is_secret) return kHidden;
  if (!one.is_shown) return std::nullopt;
  return one.value;
}

nlohmann::ordered_json to_json(const site::Stored& one) {
  const auto value = shown(one);
  return {{"name", one.name},        {"value", value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json()},
          {"secret", one.is_secret}, {"revision", one.set_in},
          {"set_at", one.set_at},    {"set_by", one.set_by}};
}

ExitCode run_list(const ShowOptions& options, Env& env) {
  const auto target = options.target.find(env);
  const auto all = stored(target, env);
  if (env.output == Output::json) {
    nlohmann::ordered_json document = {{"target", target.name}};
    document["settings"] = nlohmann::ordered_json::array();
    for (const auto& one : all) document["settings"].push_back(to_json(one));
    print_json(document);
    return ExitCode::done;
  }
  if (all.empty()) {
    std::cout << "nothing is set for " << target.name << '\n';
    return ExitCode::done;
  }
  Table table({"NAME", "VALUE", "REVISION", "SET", "BY"});
  for (const auto& one : all) {
    table.add({base::one_line(one.name), short_value(shown(one).value_or("-")), std::to_string(one.set_in), one.set_at,
               base::one_line(one.set_by)});
  }
  std::cout << table.text();
  return ExitCode::done;
}

/// A text of a values file without its quotes.
std::string plain(const std::string& value, base::TargetKind kind) {
  if (!site::takes_values(kind)) return value;
  const auto documents = yaml::read(value, "the value");
  return !documents.empty() && documents.front().root().is_scalar() ? documents.front().root().text : value;
}

ExitCode get_one(const ShowOptions& options, const deploy::Target& target, const std::vector<site::Stored>& all,
                 Env& env) {
  const auto one = std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.name == options.key; });
  if (one == all.end()) {
    throw Error(Kind::failed, "'" + base::one_line(options.key) + "' is not set for " + target.name,
                "see what is: wrktalk site list");
  }
  if (one->is_secret) {
    throw Error(Kind::failed, one->name + " is a secret, which is never shown",
                "set it anew when it is not known any more");
  }
  if (!one->is_shown) {
    throw Error(Kind::configuration, "this login may not read the values of a site's settings",
                "use the agent's login, or the owner's (`wrktalk migrate grants`)");
  }
  if (env.output == Output::json) {
    print_json(to_json(*one));
  } else {
    std::cout << plain(one->value, target.kind) << '\n';
  }
  return ExitCode::done;
}

ExitCode run_get(const ShowOptions& options, Env& env) {
  const auto target = options.target.find(env);
  const auto all = stored(target, env);
  if (!options.key.empty()) return get_one(options, target, all, env);
  site::Settings settings;
  for (const auto& one : all) {
    const std::string value = shown(one).value_or("-");
    const bool is_hidden = one.is_secret || !one.is_shown;
    settings.push_back({one.name, is_hidden && site::takes_values(target.kind) ? site::quoted(value) : value});
  }
  const std::string text =
      site::takes_values(target.kind) ? site::to_values_file(settings) : site::to_env_file(settings);
  if (env.output == Output::json) {
    print_json({{"target", target.name}, {"text", text}});
  } else {
    std::cout << text;
  }
  return ExitCode::done;
}

constexpr std::initializer_list<ExitCode> kCodes = {ExitCode::done, ExitCode::failed, ExitCode::usage,
                                                    ExitCode::configuration, ExitCode::database};

}  // namespace

void add_site_show(CLI::App& group, Selected& chosen) {
  auto get_options = std::make_shared<ShowOptions>();
  auto* get = group.add_subcommand("get", "One setting's value, or all as an env or values file; secrets as ***");
  get->add_option("KEY", get_options->key, "A name as `site list` shows it");
  get_options->target.add(*get);
  get->footer(
      footer({"wrktalk site get DOMAIN", "wrktalk site get --target kubernetes:shop/shop >values.yaml"}, kCodes));
  get->callback([get_options, &chosen] {
    chosen = {"site get", [get_options](Env& env) { return run_get(*get_options, env); }};
  });

  auto list_options = std::make_shared<ShowOptions>();
  auto* list = group.add_subcommand("list", "All settings: who set each, and when; secrets as ***");
  list_options->target.add(*list);
  list->footer(footer({"wrktalk site list", "wrktalk site list --target docker:shop -o json"}, kCodes));
  list->callback([list_options, &chosen] {
    chosen = {"site list", [list_options](Env& env) { return run_list(*list_options, env); }};
  });
}

}  // namespace wrktalk::cmd
