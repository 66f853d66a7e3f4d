// SPDX-License-Identifier: Apache-2.0
#include "core/notify/outbox_sender.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/notify/email.hpp"
#include "core/notify/outbox.hpp"
#include "core/notify/sql.hpp"
#include "core/notify/webhook.hpp"

#include <algorithm>

namespace wrktalk::notify {
namespace {

using base::Deadline;
using base::Error;
using State = db::raw::AsyncConnection::State;

constexpr std::chrono::milliseconds kLongestAnswer{10'000};
/// Nothing that was due could be had: another agent is about to take it.
constexpr std::chrono::milliseconds kShortestPause{1'000};
/// After the mail server failed. Each message has its own time to be tried again; this spares the server the others.
constexpr std::chrono::minutes kMailPause{1};

/// So long a message is ours. It is longer than SmtpServer's limits together.
constexpr const char* kLease = "10 minutes";

std::string fingerprint(const http::SmtpServer& server) {
  return server.name() + '\n' + server.user + '\n' + server.password.reveal();
}

}  // namespace

OutboxSender::OutboxSender(Settings settings, std::function<db::ConnectionSettings()> database)
    : settings_(std::move(settings)), database_(std::move(database)) {}

void OutboxSender::wake(std::chrono::milliseconds in) noexcept {
  next_ = base::sooner(next_, std::max(Deadline::in(in), mail_paused_until_));
}

bool OutboxSender::at_rest() const noexcept { return phase_ == Phase::rest && (finishing_ || !next_.passed()); }

Deadline OutboxSender::watch(std::vector<pollfd>& fds) {
  switch (phase_) {
    case Phase::rest: return finishing_ ? Deadline::never() : next_;
    case Phase::carrying: return call_ ? call_->watch(fds) : session_->watch(fds);
    case Phase::taking:
    case Phase::recording: break;
  }
  if (connection_.state() == State::closed) return reconnect_at_;
  fds.push_back({connection_.socket(), connection_.events(), 0});
  return answer_by_;
}

void OutboxSender::tick() noexcept {
  try {
    while (step()) {
    }
  } catch (const std::exception& e) {
    log::error("notify.failed", e.what());
    if (phase_ == Phase::carrying) {
      done({Result::Fate::later, e.what()});
    } else {
      rest(Deadline::in(kMailPause));
    }
  }
}

/// Returns whether more can be done at once.
bool OutboxSender::step() {
  switch (phase_) {
    case Phase::rest:
      if (at_rest()) return false;
      phase_ = Phase::taking;
      return true;
    case Phase::carrying: return call_ ? call_carried() : mail_carried();
    case Phase::taking:
    case Phase::recording: break;
  }
  return talk_to_database();
}

bool OutboxSender::talk_to_database() {
  connection_.advance();
  switch (connection_.state()) {
    case State::closed:
      if (!reconnect_at_.passed()) return false;
      connection_.open(database_());
      answer_by_ = Deadline::in(kLongestAnswer);
      return true;
    case State::connecting:
    case State::busy:
      if (answer_by_.passed()) database_failed("the database did not answer in time");
      return false;
    case State::idle:
      phase_ == Phase::taking ? send_take() : send_record();
      answer_by_ = Deadline::in(kLongestAnswer);
      return true;
    case State::answered:
      if (const auto table = connection_.take()) {
        backoff_.reset();
        phase_ == Phase::taking ? taken(*table) : recorded(*table);
        return true;
      }
      break;
    case State::broken: break;
  }
  database_failed(connection_.error());
  return false;
}

void OutboxSender::database_failed(const std::string& why) {
  if (backoff_.tries() == 0) log::warn("notify.database_away", "notifications wait for the database: " + why);
  connection_.close();
  reconnect_at_ = Deadline::in(backoff_.next());
  if (phase_ == Phase::taking) rest(reconnect_at_);
}

void OutboxSender::rest(Deadline until) noexcept {
  phase_ = Phase::rest;
  next_ = until;
  connection_.close();
  session_.reset();
}

void OutboxSender::send_take() {
  next_ = Deadline::never();
  connection_.send(sql::take, {kLease, mail_paused_until_.passed() ? "true" : "false"});
}

void OutboxSender::taken(const db::raw::Table& table) {
  const auto of = [&](const char* column) { return table.at(0, column); };
  if (!of("id")) {
    Deadline again = next_;
    if (const auto wait = of("next_in_ms")) {
      again = base::sooner(again, Deadline::in(std::max(kShortestPause, std::chrono::milliseconds(std::stol(*wait)))));
    }
    if (!mail_paused_until_.passed()) again = base::sooner(again, mail_paused_until_);
    return rest(again);
  }
  row_ = OutboxRow{*of("id"), *of("attempts"), *of("event"), *of("recipient"), of("name").value_or(""), *of("data")};
  phase_ = Phase::carrying;
  base::crash_point("notify-taken");
  try {
    if (row_->recipient == kWebhook) {
      call_ = std::make_unique<http::Call>(
          webhook_options(settings_),
          webhook_request(settings_, row_->id, row_->event, row_->data, std::chrono::system_clock::now()));
    } else if (of("is_active") != "t") {
      done({Result::Fate::never, "the admin is no longer active"});
    } else {
      carry_mail({of("smtp_host"), of("smtp_port"), of("smtp_user"), of("smtp_password"), of("smtp_from")});
    }
  } catch (const Error& e) {
    done({Result::Fate::later, std::string(e.what()) + (e.hint().empty() ? "" : "; " + e.hint()),
          row_->recipient != kWebhook});
  }
}

void OutboxSender::carry_mail(const MailConfig& config) {
  const Mailbox box = mailbox(config, settings_);
  Address to;
  try {
    to = parse_address(row_->recipient);
  } catch (const Error& e) {
    return done({Result::Fate::never, e.what()});
  }
  to.name = row_->name;
  const std::string domain = box.from.mail.substr(box.from.mail.rfind('@') + 1);
  letter_ = {box.from.mail, to.mail,
             mime(compose(parse_notification(row_->event, row_->data)),
                  {box.from, to, row_->id + "@" + domain, std::chrono::system_clock::now()})};
  handed_over_ = false;
  server_ = box.server;
  if (session_ && session_with_ == fingerprint(*server_)) return;
  session_ = std::make_unique<http::SmtpSession>(*server_);
  session_with_ = fingerprint(*server_);
  session_mails_ = 0;
}

bool OutboxSender::mail_carried() {
  using http::SmtpStep;
  session_->advance();
  if (const auto verdict = session_->take()) {
    const bool server_failed = verdict->server_failed();
    const bool worn_out =
        session_mails_ > 1 && verdict->step == SmtpStep::sender && (verdict->code == 0 || verdict->code == 421);
    if (session_->state() == http::SmtpSession::State::failed) session_.reset();
    if (worn_out) {
      // Some servers take only so many messages on one connection.
      session_ = std::make_unique<http::SmtpSession>(*server_);
      session_mails_ = 0;
      handed_over_ = false;
      return true;
    }
    const auto fate = verdict->accepted()           ? Result::Fate::sent
                      : verdict->refused_for_good() ? Result::Fate::never
                                                    : Result::Fate::later;
    done({fate, fate == Result::Fate::sent ? "" : verdict->text + "; " + verdict->hint, server_failed});
    return true;
  }
  if (session_->state() != http::SmtpSession::State::ready || handed_over_) return false;
  handed_over_ = true;
  ++session_mails_;
  session_->send(letter_);
  return true;
}

bool OutboxSender::call_carried() {
  constexpr int kGone = 410;
  try {
    const auto response = call_->advance();
    if (!response) return false;
    const bool taken = webhook_took(*response);
    done({taken                       ? Result::Fate::sent
          : response->status == kGone ? Result::Fate::never
                                      : Result::Fate::later,
          taken ? "" : webhook_refusal(*response) + "; " + webhook_hint(*response)});
  } catch (const Error& e) {
    done({Result::Fate::later, std::string(e.what()) + "; " + e.hint()});
  }
  return true;
}

bool OutboxSender::let_go() noexcept {
  if (phase_ != Phase::carrying) return true;
  if (call_ || (session_ && session_->in_doubt())) return false;
  session_.reset();
  done({Result::Fate::later, "not taken by the server in the time there was"});
  return true;
}

void OutboxSender::done(Result result) {
  if (result.fate == Result::Fate::sent) base::crash_point("notify-accepted");
  if (result.server_failed) mail_paused_until_ = Deadline::in(kMailPause);
  call_.reset();
  result.error = base::one_line(log::redact(result.error));
  result_ = std::move(result);
  phase_ = Phase::recording;
}

void OutboxSender::send_record() {
  const auto fate = result_->fate;
  const char* status = fate == Result::Fate::sent ? "sent" : fate == Result::Fate::later ? "pending" : "failed";
  connection_.send(sql::record, {row_->id, row_->attempt, status,
                                 result_->error.empty() ? std::nullopt : std::optional(result_->error)});
}

void OutboxSender::recorded(const db::raw::Table& table) {
  const log::Fields fields = {{"notification", row_->id}};
  const std::string what = row_->event + " to " + row_->recipient;
  if (result_->fate == Result::Fate::sent) {
    ++sent_;
    log::info("notify.sent", what + " was sent", fields);
  } else {
    ++failed_;
    const bool again = !table.rows.empty() && table.rows[0][0] == "pending";
    if (again) {
      // The first time tells an operator; how often it was tried since is in the outbox.
      (row_->attempt == "1" ? log::warn : log::info)(
          "notify.put_off", what + " is tried again at " + table.rows[0][1].value_or("?") + ": " + result_->error,
          fields);
    } else {
      log::error("notify.given_up", what + " is given up: " + result_->error, fields);
    }
  }
  row_.reset();
  result_.reset();
  if (finishing_) return rest(Deadline::never());
  phase_ = Phase::taking;
}

}  // namespace wrktalk::notify
