// SPDX-License-Identifier: Apache-2.0
#include "core/notify/email.hpp"

#include "core/base/text.hpp"
#include "core/base/visible.hpp"
#include "core/notify/events.hpp"

#include <algorithm>

namespace wrktalk::notify {
namespace {

std::vector<Row> rows(const Notification& notification, const EventText& event) {
  std::vector<Row> all;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) all.push_back({name, *value});
  };
  add("Version", notification.version);
  add("Target", notification.target);
  add("Task", notification.task_id);
  add("Asked for by", notification.requested_by);
  add("Note", notification.note);
  add("Scheduled for", notification.scheduled_for);
  add("Started", notification.started_at);
  add(event.is_of_agent ? "Last seen" : "Ended", notification.ended_at);
  if (notification.duration_seconds) {
    all.push_back({"Duration", base::human_duration(std::chrono::milliseconds(
                                   static_cast<long>(*notification.duration_seconds * 1000.0)))});
  }
  add("Agent", notification.agent);
  return all;
}

std::vector<NextStep> next_steps(const Notification& notification, const EventText& event) {
  std::vector<NextStep> story;
  if (notification.task_id)
    story.push_back({"See the whole story, with the tool's output:",
                     "wrktalk task show " + notification.task_id->substr(0, kShortId)});
  auto steps = event.next_steps(notification, story);
  if (notification.hint) steps.insert(steps.begin(), {*notification.hint, ""});
  return steps;
}

/// What went wrong: the reason, then the tool's last lines.
std::string failure(const Notification& notification) {
  constexpr std::size_t kMost = 800;
  std::string text = notification.reason.value_or("");
  if (notification.evidence) text += (text.empty() ? "" : "\n\n") + base::tail(*notification.evidence, kMost);
  return text;
}

std::string as_text(const Page& page) {
  std::string out = page.title + "\n\n" + page.summary + "\n\n";
  std::size_t width = 0;
  for (const auto& row : page.rows) width = std::max(width, row.name.size());
  for (const auto& row : page.rows) {
    out += row.name + ":" + std::string(width - row.name.size() + 1, ' ') + base::one_line(row.value) + "\n";
  }
  if (!page.failure.empty()) out += "\nWhat failed\n\n" + page.failure + "\n";
  if (!page.next_steps.empty()) out += "\nWhat to do next\n\n";
  for (const auto& step : page.next_steps) {
    out += "- " + step.text + (step.command.empty() ? "" : "\n      " + step.command) + "\n";
  }
  return out + "\n-- \n" + page.footer + "\n";
}

}  // namespace

EmailContent compose(const Notification& notification) {
  const EventText event = text_of(notification);
  Page page;
  page.title = event.title;
  page.color = event.color;
  page.summary = event.summary(notification);
  page.rows = rows(notification, event);
  page.failure = failure(notification);
  page.next_steps = next_steps(notification, event);
  page.footer = "Sent by wrktalk " WRKTALK_VERSION " to every active admin.";
  const std::string about =
      notification.version.value_or(notification.target.value_or(notification.agent.value_or("wrktalk")));
  const std::string what = event.is_of_agent ? notification.agent.value_or(about) : about;
  return {base::one_line(page.title + " - " + what), base::visible(as_text(page)), base::visible(as_html(page))};
}

}  // namespace wrktalk::notify
