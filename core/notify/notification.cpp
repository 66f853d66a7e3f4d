// SPDX-License-Identifier: Apache-2.0
#include "core/notify/notification.hpp"

#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::notify {
namespace {

std::optional<std::string> text(const nlohmann::json& data, const char* key) {
  const auto found = data.find(key);
  if (found == data.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) return std::nullopt;
  return log::redact(found->get<std::string>());
}

}  // namespace

void redact_texts(nlohmann::ordered_json& document) {
  if (document.is_string()) {
    document = log::redact(document.get<std::string>());
  } else if (document.is_structured()) {
    for (auto& part : document) redact_texts(part);
  }
}

Notification parse_notification(const std::string& event, const std::string& data) {
  Notification notification;
  notification.event = event;
  const auto json = nlohmann::json::parse(data, nullptr, false);
  if (!json.is_object()) return notification;
  notification.version = text(json, "version");
  notification.target = text(json, "target");
  notification.task_id = text(json, "task_id");
  notification.state = text(json, "state");
  notification.reason = text(json, "reason");
  notification.hint = text(json, "hint");
  notification.evidence = text(json, "evidence");
  notification.requested_by = text(json, "requested_by");
  notification.note = text(json, "note");
  notification.agent = text(json, "agent");
  notification.scheduled_for = text(json, "scheduled_for");
  notification.started_at = text(json, "started_at");
  notification.ended_at = text(json, "ended_at");
  const auto duration = json.find("duration_seconds");
  if (duration != json.end() && duration->is_number()) notification.duration_seconds = duration->get<double>();
  return notification;
}

}  // namespace wrktalk::notify
