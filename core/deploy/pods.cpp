// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/pods.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::deploy::pods {
namespace {

using nlohmann::json;

std::string in_brackets(const std::string& reason, const std::string& message) {
  std::string text = reason;
  if (!message.empty()) text += (text.empty() ? "" : ": ") + base::one_line(message);
  return text.empty() ? "" : " (" + text + ")";
}

std::string describe_end(const json& ended) {
  return "ended with status " + std::to_string(ended.value("exitCode", 0)) +
         in_brackets(ended.value("reason", ""), ended.value("message", ""));
}

/// Nothing when the container is well.
std::string describe(const json& container) {
  const json state = container.value("state", json::object());
  const long restarts = container.value("restartCount", 0L);
  std::string text;
  if (state.contains("waiting")) {
    text = "is waiting" + in_brackets(state["waiting"].value("reason", ""), state["waiting"].value("message", ""));
  } else if (state.contains("terminated")) {
    if (state["terminated"].value("exitCode", 0) == 0) return {};
    text = describe_end(state["terminated"]);
  } else if (!container.value("ready", false)) {
    text = state.contains("running") ? "runs and is not ready" : "is not ready";
  } else {
    return {};
  }
  if (restarts > 0) text += ", " + std::to_string(restarts) + " restarts";
  const json last = container.value("lastState", json::object());
  if (last.contains("terminated")) text += ", before that it " + describe_end(last["terminated"]);
  return container.value("name", "?") + " " + text;
}

/// Why the pod as a whole is not ready, when no container tells: it cannot be scheduled, or is evicted.
std::string condition(const json& status) {
  for (const auto& each : status.value("conditions", json::array())) {
    if (each.value("status", "") == "False" && each.contains("message"))
      return each.value("type", "") + " is False" + in_brackets(each.value("reason", ""), each.value("message", ""));
  }
  return {};
}

Pod look_at(const std::string& name, const json& status) {
  Pod pod{name, {}, {}};
  const std::string phase = status.value("phase", "Unknown");
  if (phase == "Succeeded") return pod;
  std::vector<std::string> parts;
  for (const char* kind : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : status.value(kind, json::array())) {
      std::string what = describe(container);
      if (what.empty()) continue;
      parts.push_back(std::move(what));
      const json state = container.value("state", json::object());
      const bool restarted = container.value("restartCount", 0L) > 0;
      if (restarted || !state.contains("waiting")) {
        pod.containers.push_back({container.value("name", ""), restarted && !state.contains("terminated")});
      }
    }
  }
  if (parts.empty() && phase == "Running") return pod;
  if (parts.empty()) parts.push_back(condition(status));
  pod.story = name + " is " + phase + in_brackets(status.value("reason", ""), "") + ": " + base::join(parts, "; ");
  return pod;
}

}  // namespace

const char* const kPodsFormat = R"(jsonpath={range .items[*]}{.metadata.name}{"\t"}{.status}{"\n"}{end})";

std::vector<Pod> unwell(const std::string& lines) {
  std::vector<Pod> found;
  for (const auto& line : base::split(lines, '\n')) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const json status = json::parse(line.substr(tab + 1), nullptr, false);
    if (!status.is_object()) continue;
    try {
      Pod pod = look_at(line.substr(0, tab), status);
      if (!pod.story.empty()) found.push_back(std::move(pod));
    } catch (const json::exception&) {
      // A status of another shape tells us nothing.
    }
  }
  return found;
}

}  // namespace wrktalk::deploy::pods
