// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/events.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace wrktalk::deploy::events {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json part(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : json::object();
}

/// When it was last seen. Who writes events in the newer form leaves out what the older one has.
std::string last_seen(const json& event) {
  std::string newest = text_of(part(event, "metadata"), "creationTimestamp");
  for (const auto& time : {text_of(event, "lastTimestamp"), text_of(event, "eventTime"),
                           text_of(part(event, "series"), "lastObservedTime")}) {
    newest = std::max(newest, time);
  }
  return newest;
}

long times(const json& event) {
  const json series = part(event, "series");
  for (const json* from : {&series, &event}) {
    const auto count = from->find("count");
    if (count != from->end() && count->is_number_integer()) return count->get<long>();
  }
  return 1;
}

}  // namespace

const char* const kFormat = R"(jsonpath={range .items[*]}{@}{"\n"}{end})";

std::vector<std::string> warnings(const std::string& lines, const std::string& since) {
  std::map<std::string, std::pair<std::string, std::string>> newest;  // by reason and object: when, and what
  for (const auto& line : base::split(lines, '\n')) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object() || text_of(event, "type") != "Warning") continue;
    const std::string when = last_seen(event);
    if (when.compare(0, since.size(), since) < 0) continue;
    const json about = part(event, "involvedObject");
    const std::string key = text_of(event, "reason") + " of " + text_of(about, "kind") + " " + text_of(about, "name");
    const long count = times(event);
    std::string text = key + (count > 1 ? " (" + std::to_string(count) + " times)" : "") + ": " +
                       base::one_line(text_of(event, "message"));
    auto& known = newest[key];
    if (known.first <= when) known = {when, std::move(text)};
  }
  std::vector<std::pair<std::string, std::string>> sorted;
  for (auto& entry : newest) sorted.push_back(std::move(entry.second));
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> out;
  for (auto& [when, text] : sorted) out.push_back(std::move(text));
  return out;
}

}  // namespace wrktalk::deploy::events
