// SPDX-License-Identifier: Apache-2.0
#include "core/config/named_databases.hpp"

#include "core/base/nearest.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

namespace wrktalk::config {
namespace {

constexpr std::string_view kPrefix = "WRKTALK_AGENT_";
constexpr std::string_view kSection = "databases.";

NamedDatabase named(const std::string& name) {
  std::string variable = name;
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return {name, std::string(kSection) + name, std::string(kPrefix) + variable + "_DSN"};
}

/// The agent's own database and that of the checkpoint tables have settings of their own.
bool is_free(const std::string& name) { return name != "db" && !base::nearest(name, {"checkpoint"}); }

}  // namespace

std::optional<NamedDatabase> database_of_variable(const std::string& variable) {
  static const std::regex kPattern("WRKTALK_AGENT_([A-Z][A-Z0-9_]{0,62})_DSN(_FILE)?");
  std::smatch match;
  if (!std::regex_match(variable, match, kPattern)) return std::nullopt;
  std::string name = match[1];
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!is_free(name)) return std::nullopt;
  return named(name);
}

std::optional<NamedDatabase> database_of_key(const std::string& key) {
  static const std::regex kPattern("databases\\.([a-z][a-z0-9_]{0,62}?)(_file)?");
  std::smatch match;
  if (!std::regex_match(key, match, kPattern) || !is_free(match[1])) return std::nullopt;
  return named(match[1]);
}

std::vector<NamedDatabase> named_databases(const settings::Values& values) {
  std::vector<NamedDatabase> all;
  for (const auto& [key, value] : values) {
    if (base::starts_with(key, kSection) && !value.text.empty()) all.push_back(named(key.substr(kSection.size())));
  }
  return all;
}

}  // namespace wrktalk::config
