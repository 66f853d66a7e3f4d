// SPDX-License-Identifier: Apache-2.0
#include "core/queue/goal.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::queue {
namespace {

using nlohmann::json;

std::optional<std::string> text(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return std::nullopt;
  return at->get<std::string>();
}

}  // namespace

std::string to_json(const StoredGoal& goal) {
  json out = json::object();
  if (goal.artifact_id) out["artifact_id"] = *goal.artifact_id;
  if (goal.version) out["version"] = *goal.version;
  if (goal.revision) out["revision"] = *goal.revision;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

StoredGoal parse_goal(const std::optional<std::string>& text_of_goal) {
  StoredGoal goal;
  if (!text_of_goal) return goal;
  const json object = json::parse(*text_of_goal, nullptr, false);
  if (!object.is_object()) return goal;
  goal.artifact_id = text(object, "artifact_id");
  goal.version = text(object, "version");
  const auto revision = object.find("revision");
  if (revision != object.end() && revision->is_number_integer()) goal.revision = revision->get<long>();
  return goal;
}

}  // namespace wrktalk::queue
