// SPDX-License-Identifier: Apache-2.0
#include "core/http/smtp.hpp"

#include "core/base/text.hpp"
#include "core/http/curl.hpp"
#include "core/http/library.hpp"
#include "core/http/smtp_login.hpp"
#include "core/http/smtp_refusal.hpp"
#include "core/log/log.hpp"

#include <algorithm>

namespace wrktalk::http {
namespace {

using base::Deadline;
using State = SmtpSession::State;

constexpr std::size_t kLongestAnswer = 8192;

/// Lines that begin with a dot get another one (RFC 5321, 4.5.2), and the message its end.
std::string stuffed(const std::string& message) {
  std::string out;
  out.reserve(message.size() + 8);
  bool line_start = true;
  for (const char c : message) {
    if (line_start && c == '.') out += '.';
    out += c;
    line_start = c == '\n';
  }
  if (!base::ends_with(out, "\r\n")) out += "\r\n";
  return out + ".\r\n";
}

/// A whole answer at the start of `received`, several lines as one: its code and its text. Takes it off.
std::optional<std::pair<int, std::string>> take_answer(std::string& received) {
  std::string text;
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = received.find('\n', at);
    if (end == std::string::npos) return std::nullopt;
    const std::string line = base::trim(received.substr(at, end - at));
    at = end + 1;
    text += (text.empty() ? "" : " ") + (line.size() > 4 ? line.substr(4) : "");
    if (line.size() > 3 && line[3] == '-') continue;
    const std::string digits = line.substr(0, 3);
    const bool number = digits.size() == 3 && digits.find_first_not_of("0123456789") == std::string::npos;
    received.erase(0, at);
    return std::pair(number ? std::stoi(digits) : 0, base::one_line(log::redact(text)));
  }
}

}  // namespace

const char* to_text(SmtpStep step) noexcept {
  switch (step) {
    case SmtpStep::resolve: return "resolve";
    case SmtpStep::connect: return "connect";
    case SmtpStep::tls: return "tls";
    case SmtpStep::login: return "login";
    case SmtpStep::sender: return "sender";
    case SmtpStep::recipient: return "recipient";
    case SmtpStep::message: return "message";
    case SmtpStep::accepted: return "accepted";
  }
  return "";
}

struct SmtpSession::Talk {
  explicit Talk(SmtpServer wanted) : server(std::move(wanted)), login(server) {}

  /// Writes and reads until one of them would have to wait.
  void go_on() {
    for (bool more = true; more && state == State::sending;) {
      write();
      more = read();
    }
  }

  void say(const std::string& text, std::chrono::milliseconds limit) {
    unsent = text;
    answer_by = Deadline::in(limit);
  }

  void write() {
    while (!unsent.empty() && state == State::sending) {
      std::size_t sent = 0;
      const CURLcode code = curl::library().easy_send(login.easy().get(), unsent.data(), unsent.size(), &sent);
      if (code == CURLE_AGAIN) return;
      if (code != CURLE_OK)
        return end(0, "the connection was lost: " + std::string(curl::library().easy_strerror(code)));
      unsent.erase(0, sent);
    }
  }

  /// Whether an answer was read.
  bool read() {
    while (state == State::sending) {
      if (const auto answer = take_answer(received)) {
        answered(answer->first, answer->second);
        return true;
      }
      char buffer[1024];
      std::size_t size = 0;
      const CURLcode code = curl::library().easy_recv(login.easy().get(), buffer, sizeof buffer, &size);
      if (code == CURLE_AGAIN) break;
      if (code != CURLE_OK || size == 0) {
        end(0, code == CURLE_OK ? "the server closed the connection"
                                : "the connection was lost: " + std::string(curl::library().easy_strerror(code)));
        break;
      }
      received.append(buffer, size);
      if (received.size() > kLongestAnswer) end(0, "the server's answer has no end");
    }
    if (state == State::sending && answer_by.passed()) end(0, "the server did not answer in time");
    return false;
  }

  void answered(int code, const std::string& text) {
    if (resetting) {
      resetting = false;
      state = code == 250 ? State::ready : State::failed;
      return;
    }
    const bool asks_for_text = step == SmtpStep::message && !text_sent;
    if (asks_for_text ? code != 354 : code / 100 != 2) return refused(code, text);
    switch (step) {
      case SmtpStep::sender:
        step = SmtpStep::recipient;
        return say("RCPT TO:<" + message.to + ">\r\n", server.answer_limit);
      case SmtpStep::recipient: step = SmtpStep::message; return say("DATA\r\n", server.answer_limit);
      default: break;
    }
    if (asks_for_text) {
      text_sent = true;
      return say(stuffed(message.text), server.message_limit);
    }
    step = SmtpStep::accepted;
    verdict = {step, code, std::to_string(code) + " " + text, "", SmtpComplaint::other};
    passed.push_back({step, verdict->text});
    state = State::ready;
  }

  /// This message is not taken; the next one may be.
  void refused(int code, const std::string& text) {
    const SmtpComplaint about = complaint_of(step, code, text, !server.user.empty());
    verdict = {step, code,
               server.name() + " " + to_sentence(about, step, server) + ": " + std::to_string(code) + " " + text,
               hint_of(about, step, code, server), about};
    if (code == 0 || code == 421 || text_sent) {
      // Not SMTP, closing, or at the end of a message after which some servers are.
      state = State::failed;
      return;
    }
    resetting = true;
    say("RSET\r\n", server.answer_limit);
  }

  void end(int code, const std::string& what) {
    if (!verdict) {
      verdict = {step, code, server.name() + ": " + what, hint_of(SmtpComplaint::other, step, code, server)};
    }
    state = State::failed;
  }

  SmtpServer server;
  SmtpLogin login;
  State state = State::connecting;
  SmtpStep step = SmtpStep::resolve;
  SmtpMessage message;
  std::string unsent;
  std::string received;
  bool text_sent = false;
  bool resetting = false;
  Deadline answer_by = Deadline::never();
  std::optional<SmtpVerdict> verdict;
  std::vector<Passed> passed;
};

SmtpSession::SmtpSession(SmtpServer server) : talk_(new Talk(std::move(server))) {}

SmtpSession::~SmtpSession() {
  if (talk_->state != State::ready) return;
  static constexpr std::string_view kQuit = "QUIT\r\n";
  std::size_t sent = 0;
  curl::library().easy_send(talk_->login.easy().get(), kQuit.data(), kQuit.size(), &sent);
}

State SmtpSession::state() const noexcept { return talk_->state; }

Deadline SmtpSession::watch(std::vector<pollfd>& fds) const {
  if (talk_->state == State::connecting) return talk_->login.watch(fds);
  if (talk_->state != State::sending) return Deadline::never();
  const int fd = static_cast<int>(talk_->login.easy().info<curl_socket_t>(CURLINFO_ACTIVESOCKET));
  fds.push_back({fd, static_cast<short>(talk_->unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0});
  return talk_->answer_by;
}

void SmtpSession::advance() noexcept {
  try {
    if (talk_->state == State::sending) return talk_->go_on();
    if (talk_->state != State::connecting || !talk_->login.advance()) return;
    talk_->passed = talk_->login.passed();
    talk_->verdict = talk_->login.failure();
    talk_->state = talk_->verdict ? State::failed : State::ready;
  } catch (const std::exception& e) {
    talk_->end(0, e.what());
  }
}

void SmtpSession::send(SmtpMessage message) noexcept {
  talk_->message = std::move(message);
  talk_->verdict.reset();
  talk_->text_sent = false;
  talk_->step = SmtpStep::sender;
  talk_->state = State::sending;
  talk_->say("MAIL FROM:<" + talk_->message.from + ">\r\n", talk_->server.answer_limit);
  advance();
}

std::optional<SmtpVerdict> SmtpSession::take() noexcept { return std::exchange(talk_->verdict, std::nullopt); }

bool SmtpSession::in_doubt() const noexcept {
  return talk_->text_sent && talk_->unsent.empty() && talk_->step == SmtpStep::message && !talk_->verdict;
}

const std::vector<SmtpSession::Passed>& SmtpSession::passed() const noexcept { return talk_->passed; }

}  // namespace wrktalk::http
