// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"
#include "core/site/store.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace wrktalk::cmd {

struct Env;
struct Selected;

/// --target of the commands of `site`.
struct SiteTarget {
  std::string name;

  void add(CLI::App& sub);
  /// The one that is named, else the one of the settings.
  deploy::Target find(const Env& env) const;
};

/// `get` and `list`, subcommands of `site`.
void add_site_show(CLI::App& site, Selected& chosen);

nlohmann::ordered_json to_json(const std::vector<site::Difference>& differences);
/// A line each: "+ NAME=VALUE", "- NAME=VALUE", "~ NAME=OLD -> NEW".
void print(const std::vector<site::Difference>& differences);
/// On one line, and not too long for a table.
std::string short_value(const std::string& value);

}  // namespace wrktalk::cmd
