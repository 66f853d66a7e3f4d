// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/before.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace wrktalk::deploy {
namespace {

using nlohmann::json;

struct StateName {
  Before::State state;
  const char* name;
};
constexpr std::array<StateName, 3> kStates = {
    {{Before::State::nothing, "nothing"}, {Before::State::running, "running"}, {Before::State::unknown, "unknown"}}};

std::string dumped(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string to_json(const Before& before) {
  json way_back = json::parse(before.way_back, nullptr, false);
  if (!way_back.is_object()) way_back = json::object();
  json object = {{"detail", before.detail}, {"way_back", std::move(way_back)}};
  for (const auto& [state, name] : kStates) {
    if (state == before.state) object["state"] = name;
  }
  if (before.version) object["version"] = *before.version;
  if (before.revision) object["revision"] = *before.revision;
  return dumped(object);
}

Before before_from_json(const std::string& text) {
  Before unreadable;
  unreadable.detail = "the note of what ran before cannot be read";
  try {
    const json object = json::parse(text);
    const std::string wanted = object.at("state").get<std::string>();
    Before before;
    before.detail = object.value("detail", "");
    if (object.contains("version")) before.version = object["version"].get<std::string>();
    if (object.contains("revision")) before.revision = object["revision"].get<long>();
    if (object.contains("way_back")) before.way_back = dumped(object["way_back"].get<json::object_t>());
    for (const auto& [state, name] : kStates) {
      if (wanted != name) continue;
      before.state = state;
      return before;
    }
  } catch (const json::exception&) {
    return unreadable;
  }
  return unreadable;
}

}  // namespace wrktalk::deploy
