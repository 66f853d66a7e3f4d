// SPDX-License-Identifier: Apache-2.0
#include "core/config/unknown.hpp"

#include "core/base/nearest.hpp"
#include "core/base/text.hpp"
#include "core/config/named_databases.hpp"
#include "core/config/settings.hpp"

#include <algorithm>

namespace wrktalk::config {
namespace {

constexpr std::string_view kPrefix = "WRKTALK_AGENT_";

/// What our settings' variables are called behind the prefix.
std::vector<std::string> known_names() {
  std::vector<std::string> names = {std::string(kFileVariable).substr(kPrefix.size())};
  for (const auto& item : definitions()) {
    const std::string variable = item.variable;
    if (!base::starts_with(variable, kPrefix)) continue;
    names.push_back(variable.substr(kPrefix.size()));
    if (item.is_secret()) names.push_back(names.back() + "_FILE");
  }
  return names;
}

/// Only secrets are read from files, too: of another setting's file it is the setting that is meant.
std::optional<std::string> meant_by(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::string_view kFile = "_FILE";
  if (base::ends_with(name, kFile)) {
    const std::string stem = name.substr(0, name.size() - kFile.size());
    if (std::find(known.begin(), known.end(), stem) != known.end()) return stem;
  }
  return base::nearest(name, known);
}

/// WRKTALK_AGENT_SERVICE_HOST, ..._SERVICE_PORT_HTTP, ..._PORT, ..._PORT_9464_TCP_ADDR
bool is_of_service(const std::string& name) {
  if (base::starts_with(name, "SERVICE_HOST") || base::starts_with(name, "SERVICE_PORT") || name == "PORT") return true;
  return base::starts_with(name, "PORT_") && name.size() > 5 && name[5] >= '0' && name[5] <= '9';
}

}  // namespace

std::vector<UnknownVariable> unknown_variables(const std::map<std::string, std::string>& environment) {
  const auto known = known_names();
  std::vector<UnknownVariable> unknown;
  for (const auto& [variable, value] : environment) {
    if (!base::starts_with(variable, kPrefix)) continue;
    const std::string name = variable.substr(kPrefix.size());
    if (database_of_variable(variable) || is_of_service(name) ||
        std::find(known.begin(), known.end(), name) != known.end())
      continue;
    auto meant = meant_by(name, known);
    if (meant) meant->insert(0, kPrefix);
    unknown.push_back({variable, std::move(meant)});
  }
  return unknown;
}

std::string to_text(const UnknownVariable& unknown) {
  const std::string what = base::one_line(unknown.name) + " is no setting";
  return unknown.meant ? what + ": did you mean " + *unknown.meant + "?" : what + ", and nothing reads it";
}

}  // namespace wrktalk::config
