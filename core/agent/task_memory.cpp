// SPDX-License-Identifier: Apache-2.0
#include "core/agent/task_memory.hpp"

#include "core/agent/task_context.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::agent {

using nlohmann::ordered_json;

namespace {

/// Nothing that is in the row makes a task fail: what cannot be read was not done by this program.
DataMemory data_from(const ordered_json& json) {
  DataMemory data;
  try {
    data.backups = json.at("backups").get<std::map<std::string, std::string>>();
    json.at("applied").get_to(data.applied);
    json.at("taken_down").get_to(data.taken_down);
  } catch (const ordered_json::exception&) {
    return {};
  }
  return data;
}

}  // namespace

std::string to_json(const WhatRan& before, const DataMemory& data) {
  auto out = ordered_json::parse(deploy::to_json(before.seen));
  if (before.artifact_id) out["artifact_id"] = *before.artifact_id;
  if (!data.backups.empty() || !data.applied.empty() || !data.taken_down.empty()) {
    out["data"] = {{"backups", data.backups}, {"applied", data.applied}, {"taken_down", data.taken_down}};
  }
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

TaskMemory memory_of(const queue::Claim& claim) {
  TaskMemory memory;
  memory.goal = queue::parse_goal(claim.task.goal);
  if (claim.task.before) {
    const auto json = ordered_json::parse(*claim.task.before, nullptr, false);
    WhatRan before{deploy::before_from_json(*claim.task.before), {}};
    if (json.is_object() && json.contains("artifact_id") && json["artifact_id"].is_string()) {
      before.artifact_id = json["artifact_id"].get<std::string>();
    }
    memory.before = std::move(before);
    if (json.is_object() && json.contains("data")) memory.data = data_from(json["data"]);
  }
  // A step that this version does not know may have touched the target.
  if (claim.task.reached) memory.reached = row_of(*claim.task.reached).value_or(*row_of("apply"));
  return memory;
}

}  // namespace wrktalk::agent
