// SPDX-License-Identifier: Apache-2.0
#include "core/notify/notification.hpp"

#include "core/log/log.hpp"
#include "core/notify/email.hpp"

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

Notification sample(const std::string& event) {
  Notification notification;
  notification.event = event;
  if (event == "test") return notification;
  notification.agent = "site-1";
  notification.target = "kubernetes:wrktalk/wrktalk";
  notification.ended_at = "2026-03-14 02:01:47 UTC";
  if (event == "agent.silent") return notification;
  if (event == "backup.failed") {
    notification.reason = "backup of agent_executor: pg_dump: connection to server failed";
    notification.hint = "check that the database answers, then run `wrktalk backup create`";
    return notification;
  }
  notification.version = "2.4.0";
  notification.task_id = "0b7c5a52-6d0e-4a2b-9a53-5f2f6a3f7c11";
  notification.requested_by = "anna@ops-1";
  notification.scheduled_for = "2026-03-14 02:00:00 UTC";
  if (event == "deploy.missed") {
    notification.reason = "missed schedule";
    return notification;
  }
  notification.started_at = "2026-03-14 02:00:03 UTC";
  notification.duration_seconds = 104.2;
  if (event == "maintenance.stuck") notification.state = "not_put_back";
  if (event == "deploy.failed" || event == "rollback.failed") {
    notification.state = "put_back";
    notification.reason = notification.version.value() + " failed and was put back: apply: helm ended with 1";
    notification.hint = "look at the pods: the new image cannot be pulled";
    notification.evidence =
        "Error: UPGRADE FAILED: context deadline exceeded\n"
        "pod wrktalk-6d5f: container web: ImagePullBackOff: registry.example.org/wrktalk/web:2.4.0: not found";
  }
  return notification;
}

}  // namespace wrktalk::notify
