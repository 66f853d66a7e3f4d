// SPDX-License-Identifier: Apache-2.0
#include "core/notify/events.hpp"

#include <algorithm>

namespace wrktalk::notify {
namespace {

constexpr const char* kGreen = "#1a7f37";
constexpr const char* kRed = "#c62828";
constexpr const char* kBlue = "#1565c0";
constexpr const char* kAmber = "#b26a00";

using Steps = std::vector<NextStep>;

std::string version(const Notification& n) { return n.version.value_or("The release"); }
std::string where(const Notification& n) { return n.target ? " on " + *n.target : ""; }

std::string failed_summary(const Notification& n) {
  const std::string state = n.state.value_or("");
  if (state == "untouched")
    return version(n) + " was not deployed" + where(n) + ". What ran before still runs, untouched.";
  if (state == "put_back") return version(n) + " failed" + where(n) + ". What ran before was put back and runs again.";
  if (state == "not_put_back")
    return version(n) + " failed" + where(n) +
           ", and what ran before COULD NOT BE PUT BACK. Manual intervention is required; the site stays in "
           "maintenance.";
  return version(n) + " failed" + where(n) + ".";
}

std::string missed_summary(const Notification& n) {
  return version(n) + " was not begun" + where(n) + " in time, and will not be by itself.";
}

Steps joined(Steps first, const Steps& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

Steps stuck_steps(const Notification&, const Steps& story) {
  return joined({{"Look at what runs there, and who holds the maintenance window:", "wrktalk status"},
                 {"Put a release that works in its place, which also ends the maintenance:", "wrktalk rollback"}},
                story);
}

Steps retry_steps(const Notification& n, const Steps& story) {
  if (!n.task_id) return story;
  return joined(story,
                {{"When the cause is removed, run it again:", "wrktalk task retry " + n.task_id->substr(0, kShortId)}});
}

Steps failed_steps(const Notification& n, const Steps& story) {
  if (n.task_id && n.state == "not_put_back") return retry_steps(n, stuck_steps(n, story));
  return retry_steps(n, story);
}

Steps only_story(const Notification&, const Steps& story) { return story; }

void sample_site(Notification& n) {
  n.agent = "site-1";
  n.target = "kubernetes:wrktalk/wrktalk";
  n.ended_at = "2026-03-14 02:01:47 UTC";
}

void sample_task(Notification& n) {
  sample_site(n);
  n.version = "2.4.0";
  n.task_id = "0b7c5a52-6d0e-4a2b-9a53-5f2f6a3f7c11";
  n.requested_by = "anna@ops-1";
  n.scheduled_for = "2026-03-14 02:00:00 UTC";
}

void sample_run(Notification& n) {
  sample_task(n);
  n.started_at = "2026-03-14 02:00:03 UTC";
  n.duration_seconds = 104.2;
}

void sample_failed(Notification& n) {
  sample_run(n);
  n.state = "put_back";
  n.reason = *n.version + " failed and was put back: apply: helm ended with 1";
  n.hint = "look at the pods: the new image cannot be pulled";
  n.evidence =
      "Error: UPGRADE FAILED: context deadline exceeded\n"
      "pod wrktalk-6d5f: container web: ImagePullBackOff: registry.example.org/wrktalk/web:2.4.0: not found";
}

void sample_missed(Notification& n) {
  sample_task(n);
  n.reason = "missed schedule";
}

const EventText kOthers = {"", "", kBlue, failed_summary, only_story, sample_run};

}  // namespace

const std::vector<EventText>& event_texts() {
  static const std::vector<EventText> all = {
      {"deploy.completed", "✅ Deployment Successful", kGreen,
       [](const Notification& n) { return version(n) + " runs" + where(n) + " now."; },
       [](const Notification&, const Steps& story) {
         return joined({{"If it does not do what it should, go back with", "wrktalk rollback"}}, story);
       },
       sample_run},
      {"deploy.failed", "❌ Deployment Failed", kRed, failed_summary, failed_steps, sample_failed},
      {"deploy.missed", "⏰ Deployment Missed", kAmber, missed_summary, retry_steps, sample_missed},
      {"rollback.completed", "🔄 Rollback Successful", kBlue,
       [](const Notification& n) { return version(n) + " runs again" + where(n) + "."; }, only_story, sample_run},
      {"rollback.failed", "⚠️ Rollback Failed", kRed, failed_summary, failed_steps, sample_failed},
      {"rollback.missed", "⏰ Rollback Missed", kAmber, missed_summary, retry_steps, sample_missed},
      {"maintenance.stuck", "🚧 Maintenance Stays On", kRed,
       [](const Notification& n) {
         return "The site stays in maintenance: " + n.target.value_or("the target") +
                " could not be put back. Manual intervention is required.";
       },
       stuck_steps,
       [](Notification& n) {
         sample_run(n);
         n.state = "not_put_back";
       }},
      {"agent.silent", "🔇 Agent Silent", kAmber,
       [](const Notification& n) {
         return "Agent " + n.agent.value_or("?") +
                " has not been heard of for 10 minutes. What it serves is not deployed to.";
       },
       [](const Notification&, const Steps&) {
         return Steps{{"See who serves what:", "wrktalk status"},
                      {"Start it again where it ran, and look at its log there:", "wrktalk poll --loop"}};
       },
       sample_site, true},
      {"backup.failed", "❌ Backup Failed", kRed,
       [](const Notification&) -> std::string { return "A backup was not made."; },
       [](const Notification&, const Steps&) {
         return Steps{{"When the cause is removed, make one:", "wrktalk backup create"}};
       },
       [](Notification& n) {
         sample_site(n);
         n.reason = "backup of agent_executor: pg_dump: connection to server failed";
         n.hint = "check that the database answers, then run `wrktalk backup create`";
       }},
      {"test", "✉️ Test Message", kBlue,
       [](const Notification&) -> std::string { return "wrktalk can send mail to this address."; }, only_story,
       [](Notification&) {}},
  };
  return all;
}

EventText text_of(const Notification& notification) {
  const auto& all = event_texts();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const EventText& text) { return notification.event == text.event; });
  if (found != all.end()) return *found;
  EventText text = kOthers;
  text.title = notification.event.c_str();
  return text;
}

const std::vector<std::string>& events() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& text : event_texts()) all.emplace_back(text.event);
    return all;
  }();
  return names;
}

Notification sample(const std::string& event) {
  Notification notification;
  notification.event = event;
  text_of(notification).fill_sample(notification);
  return notification;
}

}  // namespace wrktalk::notify
