// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_override.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::deploy::compose {

using nlohmann::ordered_json;

bool starts(const Service& service, const std::string& active) {
  if (service.profiles.empty()) return true;
  const auto on = base::split(active, ',');
  return std::any_of(service.profiles.begin(), service.profiles.end(), [&](const auto& profile) {
    return std::any_of(on.begin(), on.end(), [&](const auto& one) { return one == profile || one == "*"; });
  });
}

std::string override_file(const Stack& stack, const std::optional<Identity>& identity,
                          const std::map<std::string, std::string>& images) {
  ordered_json services = ordered_json::object();
  for (const auto& service : stack.services) {
    ordered_json one = ordered_json::object();
    if (identity) one["labels"] = {{kReleaseLabel, identity->release}, {kTaskLabel, identity->task}};
    if (const auto image = images.find(service.name); image != images.end()) {
      one["image"] = image->second;
      if (!stack.of_format_1) one["pull_policy"] = "never";
    }
    if (!one.empty()) services[service.name] = std::move(one);
  }
  if (services.empty()) return {};
  // JSON is YAML. Without a version: both kinds of compose take that of the first file.
  const ordered_json file = stack.of_format_1 ? services : ordered_json{{"services", services}};
  return file.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace wrktalk::deploy::compose
