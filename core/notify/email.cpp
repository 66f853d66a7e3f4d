// SPDX-License-Identifier: Apache-2.0
#include "core/notify/letter.hpp"

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

Kind kind_of(const News& news) {
  const auto found = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& k) { return news.event == k.event; });
  return found == kinds().end() ? Kind{"", news.event.c_str(), kBlue} : *found;
}

bool is(const News& news, const char* event) { return news.event == event; }

std::string short_id(const News& news) { return news.task_id.value_or("").substr(0, 8); }

/// One sentence: what the reader must know when nothing else is read.
std::string summary(const News& news) {
  const std::string version = news.version.value_or("The release");
  const std::string where = news.target ? " on " + *news.target : "";
  if (is(news, "deploy.completed")) return version + " runs" + where + " now.";
  if (is(news, "rollback.completed"))
    return where.empty() ? version + " runs again." : version + " runs again" + where + ".";
  if (is(news, "deploy.missed") || is(news, "rollback.missed"))
    return version + " was not begun" + where + " in time, and will not be by itself.";
  if (is(news, "maintenance.stuck"))
    return "The site stays in maintenance: " + news.target.value_or("the target") +
           " could not be put back. Manual intervention is required.";
  if (is(news, "agent.silent"))
    return "Agent " + news.agent.value_or("?") +
           " has not been heard of for 10 minutes. What it serves is not deployed to.";
  if (is(news, "backup.failed")) return "A backup was not made.";
  if (is(news, "test")) return "wrktalk can send mail to this address.";
  const std::string state = news.state.value_or("");
  if (state == "untouched") return version + " was not deployed" + where + ". What ran before still runs, untouched.";
  if (state == "put_back") return version + " failed" + where + ". What ran before was put back and runs again.";
  if (state == "not_put_back")
    return version + " failed" + where +
           ", and what ran before COULD NOT BE PUT BACK. Manual intervention is required; the site stays in "
           "maintenance.";
  return version + " failed" + where + ".";
}

std::vector<Row> rows(const News& news) {
  std::vector<Row> all;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) all.push_back({name, *value});
  };
  add("Version", news.version);
  add("Target", news.target);
  add("Task", news.task_id);
  add("Asked for by", news.requested_by);
  add("Note", news.note);
  add("Scheduled for", news.scheduled_for);
  add("Started", news.started_at);
  add(is(news, "agent.silent") ? "Last seen" : "Ended", news.ended_at);
  if (news.duration_seconds) {
    all.push_back({"Duration", base::human_duration(
                                   std::chrono::milliseconds(static_cast<long>(*news.duration_seconds * 1000.0)))});
  }
  add("Agent", news.agent);
  return all;
}

std::vector<NextStep> next_steps(const News& news) {
  std::vector<NextStep> steps;
  if (news.hint) steps.push_back({*news.hint, ""});
  const std::string id = short_id(news);
  const bool failed = base::ends_with(news.event, ".failed") && !id.empty();
  if (is(news, "deploy.completed"))
    steps.push_back({"If it does not do what it should, go back with", "wrktalk rollback"});
  if (is(news, "maintenance.stuck") || (failed && news.state == "not_put_back")) {
    steps.push_back({"Look at what runs there, and who holds the maintenance window:", "wrktalk status"});
    steps.push_back({"Put a release that works in its place, which also ends the maintenance:", "wrktalk rollback"});
  }
  if (!id.empty()) steps.push_back({"See the whole story, with the tool's output:", "wrktalk task show " + id});
  if (failed || base::ends_with(news.event, ".missed"))
    steps.push_back({"When the cause is removed, run it again:", "wrktalk task retry " + id});
  if (is(news, "agent.silent")) {
    steps.push_back({"See who serves what:", "wrktalk status"});
    steps.push_back({"Start it again where it ran, and look at its log there:", "wrktalk poll --loop"});
  }
  if (is(news, "backup.failed")) steps.push_back({"When the cause is removed, make one:", "wrktalk backup create"});
  return steps;
}

/// What went wrong: the reason, then the tool's last lines.
std::string failure(const News& news) {
  constexpr std::size_t kMost = 800;
  std::string text = news.reason.value_or("");
  if (news.evidence) text += (text.empty() ? "" : "\n\n") + base::tail(*news.evidence, kMost);
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

Letter compose(const News& news) {
  const Kind kind = kind_of(news);
  Page page;
  page.title = kind.title;
  page.color = kind.color;
  page.summary = summary(news);
  page.rows = rows(news);
  page.failure = failure(news);
  page.next_steps = next_steps(news);
  page.footer = "Sent by wrktalk " WRKTALK_VERSION " to every active admin.";
  const std::string about = news.version.value_or(news.target.value_or(news.agent.value_or("wrktalk")));
  const std::string what = is(news, "agent.silent") ? news.agent.value_or(about) : about;
  return {base::one_line(page.title + " - " + what), base::visible(as_text(page)), base::visible(as_html(page))};
}

}  // namespace wrktalk::notify
