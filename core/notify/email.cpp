// SPDX-License-Identifier: Apache-2.0
#include "core/notify/email.hpp"

#include "core/base/text.hpp"
#include "core/base/visible.hpp"
#include "core/notify/page.hpp"

#include <algorithm>

namespace wrktalk::notify {
namespace {

constexpr const char* kGreen = "#1a7f37";
constexpr const char* kRed = "#c62828";
constexpr const char* kBlue = "#1565c0";
constexpr const char* kAmber = "#b26a00";

struct Kind {
  const char* event;
  const char* title;  ///< as users know them from the mails of v4.2, where there were such
  const char* color;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"deploy.completed", "✅ Deployment Successful", kGreen},
      {"deploy.failed", "❌ Deployment Failed", kRed},
      {"deploy.missed", "⏰ Deployment Missed", kAmber},
      {"rollback.completed", "🔄 Rollback Successful", kBlue},
      {"rollback.failed", "⚠️ Rollback Failed", kRed},
      {"rollback.missed", "⏰ Rollback Missed", kAmber},
      {"maintenance.stuck", "🚧 Maintenance Stays On", kRed},
      {"agent.silent", "🔇 Agent Silent", kAmber},
      {"backup.failed", "❌ Backup Failed", kRed},
      {"test", "✉️ Test Message", kBlue},
  };
  return all;
}

Kind kind_of(const Notification& notification) {
  const auto found =
      std::find_if(kinds().begin(), kinds().end(), [&](const Kind& k) { return notification.event == k.event; });
  return found == kinds().end() ? Kind{"", notification.event.c_str(), kBlue} : *found;
}

bool is(const Notification& notification, const char* event) { return notification.event == event; }

std::string short_id(const Notification& notification) { return notification.task_id.value_or("").substr(0, 8); }

/// One sentence: what the reader must know when nothing else is read.
std::string summary(const Notification& notification) {
  const std::string version = notification.version.value_or("The release");
  const std::string where = notification.target ? " on " + *notification.target : "";
  if (is(notification, "deploy.completed")) return version + " runs" + where + " now.";
  if (is(notification, "rollback.completed"))
    return where.empty() ? version + " runs again." : version + " runs again" + where + ".";
  if (is(notification, "deploy.missed") || is(notification, "rollback.missed"))
    return version + " was not begun" + where + " in time, and will not be by itself.";
  if (is(notification, "maintenance.stuck"))
    return "The site stays in maintenance: " + notification.target.value_or("the target") +
           " could not be put back. Manual intervention is required.";
  if (is(notification, "agent.silent"))
    return "Agent " + notification.agent.value_or("?") +
           " has not been heard of for 10 minutes. What it serves is not deployed to.";
  if (is(notification, "backup.failed")) return "A backup was not made.";
  if (is(notification, "test")) return "wrktalk can send mail to this address.";
  const std::string state = notification.state.value_or("");
  if (state == "untouched") return version + " was not deployed" + where + ". What ran before still runs, untouched.";
  if (state == "put_back") return version + " failed" + where + ". What ran before was put back and runs again.";
  if (state == "not_put_back")
    return version + " failed" + where +
           ", and what ran before COULD NOT BE PUT BACK. Manual intervention is required; the site stays in "
           "maintenance.";
  return version + " failed" + where + ".";
}

std::vector<Row> rows(const Notification& notification) {
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
  add(is(notification, "agent.silent") ? "Last seen" : "Ended", notification.ended_at);
  if (notification.duration_seconds) {
    all.push_back({"Duration", base::human_duration(std::chrono::milliseconds(
                                   static_cast<long>(*notification.duration_seconds * 1000.0)))});
  }
  add("Agent", notification.agent);
  return all;
}

std::vector<NextStep> next_steps(const Notification& notification) {
  std::vector<NextStep> steps;
  if (notification.hint) steps.push_back({*notification.hint, ""});
  const std::string id = short_id(notification);
  const bool failed = base::ends_with(notification.event, ".failed") && !id.empty();
  if (is(notification, "deploy.completed"))
    steps.push_back({"If it does not do what it should, go back with", "wrktalk rollback"});
  if (is(notification, "maintenance.stuck") || (failed && notification.state == "not_put_back")) {
    steps.push_back({"Look at what runs there, and who holds the maintenance window:", "wrktalk status"});
    steps.push_back({"Put a release that works in its place, which also ends the maintenance:", "wrktalk rollback"});
  }
  if (!id.empty()) steps.push_back({"See the whole story, with the tool's output:", "wrktalk task show " + id});
  if (failed || base::ends_with(notification.event, ".missed"))
    steps.push_back({"When the cause is removed, run it again:", "wrktalk task retry " + id});
  if (is(notification, "agent.silent")) {
    steps.push_back({"See who serves what:", "wrktalk status"});
    steps.push_back({"Start it again where it ran, and look at its log there:", "wrktalk poll --loop"});
  }
  if (is(notification, "backup.failed"))
    steps.push_back({"When the cause is removed, make one:", "wrktalk backup create"});
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

const std::vector<std::string>& events() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& kind : kinds()) all.emplace_back(kind.event);
    return all;
  }();
  return names;
}

EmailContent compose(const Notification& notification) {
  const Kind kind = kind_of(notification);
  Page page;
  page.title = kind.title;
  page.color = kind.color;
  page.summary = summary(notification);
  page.rows = rows(notification);
  page.failure = failure(notification);
  page.next_steps = next_steps(notification);
  page.footer = "Sent by wrktalk " WRKTALK_VERSION " to every active admin.";
  const std::string about =
      notification.version.value_or(notification.target.value_or(notification.agent.value_or("wrktalk")));
  const std::string what = is(notification, "agent.silent") ? notification.agent.value_or(about) : about;
  return {base::one_line(page.title + " - " + what), base::visible(as_text(page)), base::visible(as_html(page))};
}

}  // namespace wrktalk::notify
