// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/doctor/check.hpp"
#include "core/doctor/sql.hpp"
#include "core/http/http.hpp"
#include "core/maintenance/maintenance.hpp"
#include "core/notify/trial.hpp"
#include "core/notify/webhook.hpp"
#include "core/queue/agents.hpp"
#include "core/queue/tick.hpp"
#include "core/secrets/vault.hpp"

namespace wrktalk::doctor {
namespace {

using base::Deadline;

constexpr std::chrono::seconds kAnswer{10};
constexpr double kSilentSeconds = 600;

db::Session connected(const Look& look) {
  auto settings = look.site().database;
  settings.answer_within = kAnswer;
  return db::Session(db::with_connect_timeout(settings, std::chrono::seconds(5)));
}

std::string ago(double seconds) {
  return base::human_duration(std::chrono::milliseconds(static_cast<long>(seconds * 1000))) + " ago";
}

void look_at_admins(const Look& look, db::Session& db) {
  const auto active = db.run("SELECT count(*) AS n FROM admin WHERE is_active")[0]["n"].as<long>();
  if (active == 0) return look.warn("no admin is active: nobody is mailed", "add one to the table admin");
  look.good(std::to_string(active) + (active == 1 ? " admin is mailed" : " admins are mailed"));
}

void look_at_agents(const Look& look, db::Session& db) {
  const auto agents = queue::agents(db);
  if (agents.empty()) look.note("no agent was seen within a day", "start one: wrktalk poll --loop");
  for (const auto& agent : agents) {
    const std::string text = "agent " + agent.agent_id + " was last seen " + ago(agent.silent_seconds);
    if (agent.silent_seconds > kSilentSeconds)
      look.warn(text + " and did not sign out", "see whether it runs, and its log");
    else
      look.good(text);
  }
}

void look_at_tasks(const Look& look, db::Session& db) {
  for (const auto& row : db.run(sql::stuck_tasks)) {
    look.warn(std::string("task ") + row["id"].c_str() + " on " + row["target"].c_str() +
                  " is in progress, and its agent " + row["claimed_by"].c_str() + " has been silent: its lease ended " +
                  ago(row["seconds"].as<double>()),
              "start an agent that serves the target: it takes the task over");
  }
  for (const auto& row : db.run(sql::unserved_tasks)) {
    look.warn(
        std::string("no agent serves ") + row["target"].c_str() + ", where " + row["tasks"].c_str() + " tasks are due",
        "start one there: wrktalk poll --loop");
  }
}

}  // namespace

void check_maintenance(const Look& look) {
  const auto settings = agent::ready(look.site().agent, {}, {}).maintenance;
  db::Session db = connected(look);
  const auto state = maintenance::state([&]() -> db::Session& { return db; }, settings, look.pulse());
  if (!state.trouble.empty()) look.fail("the proxy does not answer: " + state.trouble);
  for (const auto& sentence : maintenance::disagreements(state)) look.warn(sentence, "wrktalk maintenance status");
  if (const auto wrong = maintenance::site_disagreement(state)) look.warn(*wrong, "wrktalk maintenance status");
  if (!state.trouble.empty()) return;
  if (settings.handler == maintenance::Handler::none)
    return look.note("no proxy is switched: the maintenance handler is none");
  look.good("proxy " + state.proxy +
            (state.held() ? ": the site is in maintenance" : ": the site is not in maintenance"));
}

void check_mail(const Look& look) {
  db::Session db = connected(look);
  const auto config = notify::read_mail_config(db);
  if (!config.host) return look.note("no mail server is set: nobody is mailed", "set smtp_host in deployment_config");
  look_at_admins(look, db);
  const auto mailbox = notify::mailbox(config, look.site().agent.notify);
  std::string passed;
  const auto wrong = notify::try_mail(mailbox, std::nullopt, look.pulse(),
                                      [&](const http::SmtpSession::Passed& step) { passed = step.text; });
  if (wrong)
    return look.fail("the mail server, " + std::string(http::to_text(wrong->step)) + ": " + wrong->text, wrong->hint);
  look.good("the mail server " + *config.host + " is ready: " + passed);
}

void check_webhook(const Look& look) {
  const auto& settings = look.site().agent.notify;
  if (settings.webhook_url.empty()) return;
  http::Request request;
  request.method = "HEAD";
  request.url = settings.webhook_url.reveal();
  http::Client client(notify::webhook_options(settings));
  const auto answer = client.send(request, look.pulse(), Deadline::in(kAnswer));
  look.good("the webhook's server answers (" + std::to_string(answer.status) +
            " to a HEAD); `wrktalk notify test --webhook` sends a message");
}

void check_vault(const Look& look) {
  if (!look.site().agent.vault.use) return;
  secrets::Vault vault(secrets::checked(look.site().agent.vault));
  vault.log_in(look.pulse(), Deadline::in(kAnswer));
  vault.read(look.pulse(), Deadline::in(kAnswer));
  look.good("Vault at " + look.site().agent.vault.server.address + " lends what " + look.site().agent.vault.path +
            " holds");
}

void check_queue(const Look& look) {
  db::Session db = connected(look);
  look_at_agents(look, db);
  look_at_tasks(look, db);
  const auto figures = queue::figures(db);
  look.good(std::to_string(figures.running) + " tasks run, " + std::to_string(figures.due) + " are due, " +
            std::to_string(figures.scheduled) + " are for later");
  if (figures.outbox_given_up > 0) {
    look.warn(std::to_string(figures.outbox_given_up) + " notifications were given up", "wrktalk notify list");
  }
}

}  // namespace wrktalk::doctor
