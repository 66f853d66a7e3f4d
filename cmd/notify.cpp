// SPDX-License-Identifier: Apache-2.0

#include "cmd/app.hpp"
#include "cmd/terminal.hpp"
#include "core/agent/notifications.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/notify/email.hpp"
#include "core/notify/trial.hpp"
#include "core/notify/webhook.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;
using nlohmann::ordered_json;

struct TestOptions {
  std::string to;
  bool webhook = false;
};

struct SendOptions {
  std::string kind;
  std::string task;
};

struct PreviewOptions {
  std::string kind;
  std::string out;
  bool text = false;
};

agent::Settings agent_settings(const Env& env, const std::string& command) {
  return agent::ready(env.settings.agent, agent_database(env, command), {});
}

ExitCode report_trial(const Env& env, const ordered_json& steps, const std::optional<http::SmtpVerdict>& wrong) {
  if (env.output == Output::json) {
    ordered_json out = {{"ok", !wrong}, {"steps", steps}};
    if (wrong) out["failed"] = {{"step", http::to_text(wrong->step)}, {"message", wrong->text}, {"hint", wrong->hint}};
    print_json(out);
  } else if (wrong) {
    std::cout << "failed     " << http::to_text(wrong->step) << std::endl;
    print_error(wrong->text, wrong->hint, env.no_color);
  }
  if (!wrong) return ExitCode::done;
  const bool setting = wrong->step == http::SmtpStep::tls || wrong->step == http::SmtpStep::login;
  return setting ? ExitCode::configuration : ExitCode::failed;
}

ExitCode test_webhook(Env& env, const agent::Settings& settings) {
  const auto request = notify::webhook_request(settings.notify, "test", "test", "{}", std::chrono::system_clock::now());
  http::Client client(notify::webhook_options(settings.notify));
  SignalPulse pulse(env.signals);
  const auto response = client.send(request, pulse, base::Deadline::never());
  const bool good = notify::webhook_took(response);
  if (env.output == Output::json) {
    ordered_json out = {{"ok", good}, {"status", response.status}};
    if (!good) out["message"] = notify::webhook_refusal(response);
    print_json(out);
  } else if (good) {
    std::cout << "ok         the webhook answers " << response.status << '\n';
  } else {
    throw Error(Kind::failed, notify::webhook_refusal(response), notify::webhook_hint(response));
  }
  return good ? ExitCode::done : ExitCode::failed;
}

ExitCode run_test(const TestOptions& options, Env& env) {
  const auto settings = agent_settings(env, "notify test");
  if (options.webhook) return test_webhook(env, settings);
  db::Session db(settings.database);
  const auto mailbox = notify::mailbox(notify::read_mail_config(db), settings.notify);
  std::optional<notify::Address> to;
  if (!options.to.empty()) {
    try {
      to = notify::parse_address(options.to);
    } catch (const Error& e) {
      throw Error(Kind::usage, std::string("--to: ") + e.what());
    }
  }
  SignalPulse pulse(env.signals);
  ordered_json steps = ordered_json::array();
  const auto wrong = notify::try_mail(mailbox, to, pulse, [&](const http::SmtpSession::Passed& step) {
    if (env.output == Output::json) {
      steps.push_back({{"step", http::to_text(step.step)}, {"detail", step.text}});
    } else {
      std::string name = http::to_text(step.step);
      name.resize(11, ' ');
      std::cout << name << step.text << std::endl;
    }
  });
  return report_trial(env, steps, wrong);
}

/// An event that exists, or Error(usage) that names all.
void check_kind(const std::string& kind) {
  const auto& known = notify::events();
  if (std::find(known.begin(), known.end(), kind) != known.end()) return;
  throw Error(Kind::usage, "there is no message '" + base::one_line(kind) + "'",
              "use one of " + base::join(known, ", "));
}

ExitCode run_preview(const PreviewOptions& options) {
  check_kind(options.kind);
  const auto email = notify::compose(notify::sample(options.kind));
  const std::string page = options.text ? "Subject: " + email.subject + "\n\n" + email.text : email.html;
  if (options.out.empty()) {
    std::cout << page;
  } else {
    base::write_file(base::absolute(options.out), page, 0644);
  }
  return ExitCode::done;
}

ordered_json to_json(const notify::Entry& entry) {
  const auto text = [](const std::optional<std::string>& value) {
    return value ? ordered_json(*value) : ordered_json();
  };
  return {{"id", entry.id},
          {"event", entry.event},
          {"recipient", entry.recipient},
          {"status", entry.status},
          {"attempts", entry.attempts},
          {"created_at", entry.created_at},
          {"next_attempt_at", entry.status == "pending" ? ordered_json(entry.next_attempt_at) : ordered_json()},
          {"task_id", text(entry.task_id)},
          {"sent_at", text(entry.sent_at)},
          {"last_error", text(entry.last_error)}};
}

ExitCode run_list(bool all, int limit, Env& env) {
  db::Session db(agent_database(env, "notify outbox list"));
  queue::require_schema(db);
  const auto entries = notify::list(db, all, limit);
  if (env.output == Output::json) {
    ordered_json out = ordered_json::array();
    for (const auto& entry : entries) out.push_back(to_json(entry));
    print_json(out);
  } else if (entries.empty()) {
    std::cout << (all ? "the outbox is empty\n" : "nothing waits in the outbox, and nothing was given up\n");
  } else {
    Table table({"ID", "EVENT", "RECIPIENT", "STATUS", "TRIES", "NEXT TRY", "LAST ERROR"});
    for (const auto& entry : entries) {
      table.add({entry.id.substr(0, 8), entry.event, entry.recipient, entry.status, std::to_string(entry.attempts),
                 entry.status == "pending" ? entry.next_attempt_at.substr(0, 19) : "-", entry.last_error.value_or("")});
    }
    std::cout << table.text();
  }
  return ExitCode::done;
}

/// Sends what is due, for as long as that goes well.
ExitCode send_now(Env& env, const agent::Settings& settings, std::chrono::milliseconds limit) {
  notify::OutboxSender sender(settings.notify, [&] { return settings.database; });
  sender.wake();
  SignalPulse pulse(env.signals);
  agent::deliver(sender, limit, pulse);
  if (env.output == Output::json) {
    print_json({{"sent", sender.sent()}, {"failed", sender.failed()}});
  } else {
    std::cout << sender.sent() << " sent, " << sender.failed() << " failed\n";
  }
  if (sender.failed() == 0) return ExitCode::done;
  throw Error(Kind::failed, "not every message could be sent", "see why with `wrktalk notify outbox list`");
}

ExitCode run_flush(const std::vector<std::string>& ids, const std::string& timeout, Env& env) {
  const auto settings = agent_settings(env, "notify outbox flush");
  const auto limit = base::parse_duration(timeout);
  {
    db::Session db(settings.database);
    queue::require_schema(db);
    notify::tell_silent_agents(db, !settings.notify.webhook_url.empty());
    notify::make_due(db, ids);
  }
  return send_now(env, settings, limit);
}

ExitCode run_drop(const std::vector<std::string>& ids, Env& env) {
  db::Session db(agent_database(env, "notify outbox drop"));
  queue::require_schema(db);
  const std::string what = ids.empty() ? "all messages that wait" : std::to_string(ids.size()) + " messages";
  if (!confirm(env, "Drop " + what + "? The admins will not get them.")) return ExitCode::failed;
  const int dropped = notify::drop(db, ids, requested_by());
  if (env.output == Output::json) {
    print_json({{"dropped", dropped}});
  } else {
    std::cout << dropped << " dropped\n";
  }
  return ExitCode::done;
}

ExitCode run_send(const SendOptions& options, Env& env) {
  check_kind(options.kind);
  const auto settings = agent_settings(env, "notify send");
  int rows = 0;
  {
    db::Session db(settings.database);
    queue::require_schema(db);
    const auto task = queue::find(db, options.task);
    auto event = agent::notification_of(task, "", task.error_message, task.result);
    event.name = options.kind;
    event.key = task.id + ":sent by " + requested_by() + ":" + std::to_string(std::time(nullptr)) + ":" + options.kind;
    db::Transaction tx(db);
    rows = notify::enqueue(tx, event, !settings.notify.webhook_url.empty());
    tx.commit();
  }
  if (rows == 0) {
    throw Error(Kind::configuration, "there is nobody to tell",
                "add an active row to the table admin, or set a webhook");
  }
  return send_now(env, settings, std::chrono::seconds(60));
}

constexpr std::initializer_list<ExitCode> kCodes = {ExitCode::done, ExitCode::failed, ExitCode::usage,
                                                    ExitCode::configuration, ExitCode::database};

void add_outbox(CLI::App& notify, Selected& chosen) {
  auto* outbox = notify.add_subcommand("outbox", "Messages that wait, and those that were given up");
  outbox->require_subcommand(1);

  auto all = std::make_shared<bool>(false);
  auto limit = std::make_shared<int>(50);
  auto* list = outbox->add_subcommand("list", "Newest first, with the error of the last attempt");
  list->add_flag("--all", *all, "Also those that were sent");
  list->add_option("--limit", *limit, "The most to show")->check(CLI::PositiveNumber)->capture_default_str();
  list->footer(footer({"wrktalk notify outbox list", "wrktalk notify outbox list --all -o json"}, kCodes));
  list->callback([all, limit, &chosen] {
    chosen = {"notify outbox list", [all, limit](Env& env) { return run_list(*all, *limit, env); }};
  });

  auto ids = std::make_shared<std::vector<std::string>>();
  auto timeout = std::make_shared<std::string>("5m");
  auto* flush = outbox->add_subcommand("flush", "Send what waits now, without waiting for its next attempt");
  flush->add_option("ID", *ids, "Only these, also those that were given up");
  flush->add_option("--timeout", *timeout, "The longest time to go on")->capture_default_str();
  flush->footer(footer({"wrktalk notify outbox flush", "wrktalk notify outbox flush 3f2a91c0"}, kCodes));
  flush->callback([ids, timeout, &chosen] {
    chosen = {"notify outbox flush", [ids, timeout](Env& env) { return run_flush(*ids, *timeout, env); }};
  });

  auto* drop = outbox->add_subcommand("drop", "Give messages up that wait");
  drop->add_option("ID", *ids, "Only these (default: all that wait)");
  drop->footer(footer({"wrktalk notify outbox drop 3f2a91c0", "wrktalk notify outbox drop --yes"}, kCodes));
  drop->callback([ids, &chosen] { chosen = {"notify outbox drop", [ids](Env& env) { return run_drop(*ids, env); }}; });
}

}  // namespace

void add_notify(CLI::App& app, Selected& chosen) {
  auto* notify = app.add_subcommand("notify", "Mails to the admins, and the webhook: try them, look at the outbox")
                     ->group("Releases");
  notify->require_subcommand(1);
  const std::string kinds = "One of " + base::join(notify::events(), ", ");

  auto test = std::make_shared<TestOptions>();
  auto* sub =
      notify->add_subcommand("test", "Try the mail server step by step: resolve, connect, tls, login, accepted");
  auto* to = sub->add_option("--to", test->to, "Also send a test message to this address");
  sub->add_flag("--webhook", test->webhook, "Try the webhook instead")->excludes(to);
  sub->footer(footer(
      {"wrktalk notify test", "wrktalk notify test --to anna@example.org", "wrktalk notify test --webhook"}, kCodes));
  sub->callback([test, &chosen] { chosen = {"notify test", [test](Env& env) { return run_test(*test, env); }}; });

  auto send = std::make_shared<SendOptions>();
  sub = notify->add_subcommand("send", "Tell the admins of a task again, with a message of choice");
  sub->add_option("KIND", send->kind, kinds)->required();
  sub->add_option("--task", send->task, "The task's id, or its first characters")->required();
  sub->footer(footer({"wrktalk notify send deploy.failed --task 3f2a91c0"}, kCodes));
  sub->callback([send, &chosen] { chosen = {"notify send", [send](Env& env) { return run_send(*send, env); }}; });

  auto preview = std::make_shared<PreviewOptions>();
  sub = notify->add_subcommand("preview", "Print a message as it looks, with made-up contents");
  sub->add_option("KIND", preview->kind, kinds)->required();
  auto* out = sub->add_option("--out", preview->out, "Write it to this file");
  sub->add_flag("--text", preview->text, "The plain text instead of the HTML")->excludes(out);
  sub->footer(footer({"wrktalk notify preview deploy.failed --out failed.html", "wrktalk notify preview test --text"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage}));
  sub->callback([preview, &chosen] {
    chosen = {"notify preview", [preview](Env&) { return run_preview(*preview); }, true};
  });

  add_outbox(*notify, chosen);
}

}  // namespace wrktalk::cmd
