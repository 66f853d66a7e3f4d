// SPDX-License-Identifier: Apache-2.0
#include "core/notify/news.hpp"

#include "core/log/log.hpp"
#include "core/notify/letter.hpp"

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

News parse_news(const std::string& event, const std::string& data) {
  News news;
  news.event = event;
  const auto json = nlohmann::json::parse(data, nullptr, false);
  if (!json.is_object()) return news;
  news.version = text(json, "version");
  news.target = text(json, "target");
  news.task_id = text(json, "task_id");
  news.state = text(json, "state");
  news.reason = text(json, "reason");
  news.hint = text(json, "hint");
  news.evidence = text(json, "evidence");
  news.requested_by = text(json, "requested_by");
  news.note = text(json, "note");
  news.agent = text(json, "agent");
  news.scheduled_for = text(json, "scheduled_for");
  news.started_at = text(json, "started_at");
  news.ended_at = text(json, "ended_at");
  const auto duration = json.find("duration_seconds");
  if (duration != json.end() && duration->is_number()) news.duration_seconds = duration->get<double>();
  return news;
}

News sample(const std::string& event) {
  News news;
  news.event = event;
  if (event == "test") return news;
  news.agent = "site-1";
  news.target = "kubernetes:wrktalk/wrktalk";
  news.ended_at = "2026-03-14 02:01:47 UTC";
  if (event == "agent.silent") return news;
  if (event == "backup.failed") {
    news.reason = "backup of agent_executor: pg_dump: connection to server failed";
    news.hint = "check that the database answers, then run `wrktalk backup create`";
    return news;
  }
  news.version = "2.4.0";
  news.task_id = "0b7c5a52-6d0e-4a2b-9a53-5f2f6a3f7c11";
  news.requested_by = "anna@ops-1";
  news.scheduled_for = "2026-03-14 02:00:00 UTC";
  if (event == "deploy.missed") {
    news.reason = "missed schedule";
    return news;
  }
  news.started_at = "2026-03-14 02:00:03 UTC";
  news.duration_seconds = 104.2;
  if (event == "maintenance.stuck") news.state = "not_put_back";
  if (event == "deploy.failed" || event == "rollback.failed") {
    news.state = "put_back";
    news.reason = news.version.value() + " failed and was put back: apply: helm ended with 1";
    news.hint = "look at the pods: the new image cannot be pulled";
    news.evidence =
        "Error: UPGRADE FAILED: context deadline exceeded\n"
        "pod wrktalk-6d5f: container web: ImagePullBackOff: registry.example.org/wrktalk/web:2.4.0: not found";
  }
  return news;
}

}  // namespace wrktalk::notify
