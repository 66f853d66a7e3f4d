// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/server_env.hpp"

#include "core/artifact/query.hpp"
#include "core/artifact/sql.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <regex>
#include <set>

namespace wrktalk::artifact {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestKey = 255;
constexpr std::size_t kLongestCategory = 50;

[[noreturn]] void refuse(const std::string& what) {
  throw base::Error(base::Kind::usage, "the settings file: " + what,
                    R"(write it like [{"key": "MAIL_RETRIES", "value": "3", "category": "mail"}])");
}

std::string text_of(const ordered_json& setting, const char* name, bool needed) {
  const auto found = setting.find(name);
  if (found == setting.end()) {
    if (needed) refuse(std::string("a setting has no \"") + name + '"');
    return {};
  }
  if (!found->is_string()) refuse(std::string("\"") + name + "\" must be a text");
  return found->get<std::string>();
}

}  // namespace

std::string checked_server_env(const std::string& json) {
  static const std::regex kKey("[A-Za-z_][A-Za-z0-9_.-]*");
  static const std::set<std::string> kFields = {"key", "value", "category", "description"};
  const auto settings = ordered_json::parse(json, nullptr, false);
  if (!settings.is_array() || settings.empty()) refuse("it must be a JSON array of settings");
  std::set<std::string> keys;
  for (const auto& setting : settings) {
    if (!setting.is_object()) refuse("each setting must be an object");
    for (const auto& [name, value] : setting.items()) {
      if (kFields.count(name) == 0) refuse("\"" + base::one_line(name) + "\" is no field of a setting");
    }
    const std::string key = text_of(setting, "key", true);
    if (key.size() > kLongestKey || !std::regex_match(key, kKey)) refuse("\"" + base::one_line(key) + "\" is no key");
    if (!keys.insert(key).second) refuse("\"" + key + "\" comes twice");
    text_of(setting, "value", true);
    const std::string category = text_of(setting, "category", true);
    if (category.empty() || category.size() > kLongestCategory)
      refuse("the category of \"" + key + "\" is empty or longer than 50");
    text_of(setting, "description", false);
  }
  return settings.dump();
}

std::vector<std::string> add_server_env(db::raw::Connection& db, const std::string& artifact_id, base::Pulse& pulse) {
  const auto table = query(db, sql::add_server_env, {artifact_id}, pulse);
  std::vector<std::string> keys;
  for (const auto& row : table.rows) keys.push_back(row.front().value_or(""));
  return keys;
}

}  // namespace wrktalk::artifact
