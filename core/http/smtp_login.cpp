// SPDX-License-Identifier: Apache-2.0
#include "core/http/smtp_login.hpp"

#include "core/base/text.hpp"
#include "core/http/http.hpp"
#include "core/http/smtp_refusal.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cstdlib>

namespace wrktalk::http {
namespace {

using base::Error;
using base::Kind;

/// A name or an address and nothing that could mean something else in a URL.
std::string url_of(const SmtpServer& server) {
  const bool plain = !server.host.empty() && std::all_of(server.host.begin(), server.host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:").find(c) != std::string_view::npos;
  });
  if (!plain || server.port < 1 || server.port > 65535) {
    throw Error(Kind::configuration, "'" + base::one_line(server.name()) + "' is no mail server's host and port",
                "check smtp_host and smtp_port in deployment_config");
  }
  const bool v6 = server.host.find(':') != std::string::npos;
  // libcurl takes the path for the name in EHLO.
  return (server.tls == SmtpTls::from_the_start ? "smtps://" : "smtp://") +
         (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port) +
         (server.ehlo_name.empty() ? "" : "/" + encoded_path(server.ehlo_name));
}

/// " is 192.0.2.1", or nothing when no connection was made.
std::string address(const curl::Easy& easy) {
  const char* text = easy.info<char*>(CURLINFO_PRIMARY_IP);
  return text == nullptr || *text == '\0' ? "" : std::string(" is ") + text;
}

/// "CN = mail.example.org, valid until ...", of the server's own certificate.
std::string certificate(const curl::Easy& easy) {
  const auto* info = easy.info<curl_certinfo*>(CURLINFO_CERTINFO);
  if (info == nullptr || info->num_of_certs < 1) return {};
  std::string subject;
  std::string expires;
  for (const curl_slist* line = info->certinfo[0]; line != nullptr; line = line->next) {
    const std::string text = line->data;
    if (base::starts_with(text, "Subject:")) subject = text.substr(8);
    if (base::starts_with(text, "Expire date:")) expires = text.substr(12);
  }
  return base::one_line(subject + ", valid until " + expires);
}

std::string milliseconds(curl_off_t microseconds) { return std::to_string(microseconds / 1000) + " ms"; }

const char* hint_of(CURLcode code, SmtpStep step) {
  if (code == CURLE_USE_SSL_FAILED)
    return "check the port (587 takes STARTTLS, 465 TLS from the start), or set WRKTALK_AGENT_SMTP_TLS";
  if (step == SmtpStep::login) return "check smtp_user and smtp_password in deployment_config";
  if (step == SmtpStep::connect) return "check that a mail server listens there and is not overloaded";
  return "";
}

}  // namespace

SmtpLogin::SmtpLogin(const SmtpServer& server)
    : server_(server), easy_({server.ca_file, true}, server.connect_limit, server.connect_limit) {
  easy_.set(CURLOPT_URL, url_of(server).c_str());
  easy_.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  // A proxy for the web is none for mail.
  easy_.set(CURLOPT_PROXY, "");
  easy_.set(CURLOPT_CONNECT_ONLY, 1L);
  if (!server.source.empty()) easy_.set(CURLOPT_INTERFACE, server.source.c_str());
  easy_.set(CURLOPT_USE_SSL, static_cast<long>(server.tls == SmtpTls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  easy_.set(CURLOPT_CERTINFO, 1L);
  if (!server.user.empty()) {
    easy_.set(CURLOPT_USERNAME, server.user.c_str());
    easy_.set(CURLOPT_PASSWORD, server.password.reveal().c_str());
    easy_.set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
  }
  easy_.set(CURLOPT_HEADERFUNCTION, &SmtpLogin::on_answer);
  easy_.set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  easy_.set(CURLOPT_VERBOSE, 1L);
  easy_.set(CURLOPT_DEBUGFUNCTION, &SmtpLogin::on_dialogue);
  easy_.set(CURLOPT_DEBUGDATA, static_cast<void*>(this));
  running_.emplace(multi_.get(), easy_);
}

std::size_t SmtpLogin::on_answer(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& login = *static_cast<SmtpLogin*>(self);
  login.last_answer_.assign(data, size * count);
  if (login.greeting_.empty()) login.greeting_ = login.last_answer_;
  if (!login.said_auth_) login.greeted_with_.push_back(base::trim(login.last_answer_));
  return size * count;
}

/// Only which command is sent is looked at: its arguments hold the password.
int SmtpLogin::on_dialogue(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
  if (type != CURLINFO_HEADER_OUT) return 0;
  auto& login = *static_cast<SmtpLogin*>(self);
  const std::string_view command(data, size);
  if (base::starts_with(command, "STARTTLS")) login.said_starttls_ = true;
  if (base::starts_with(command, "AUTH ")) login.said_auth_ = true;
  if (base::starts_with(command, "EHLO ")) login.greeted_with_.clear();
  return 0;
}

bool SmtpLogin::advance() {
  const auto code = running_->advance();
  if (!code) return false;
  if (*code != CURLE_OK) {
    fail(*code);
  } else if (!server_.user.empty() && !said_auth_) {
    fail_for_want_of_login();
  } else {
    tell_passed(SmtpStep::sender);
  }
  return true;
}

SmtpStep SmtpLogin::step_of(CURLcode code) const {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return SmtpStep::resolve;
    case CURLE_COULDNT_CONNECT: return SmtpStep::connect;
    case CURLE_USE_SSL_FAILED:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE: return SmtpStep::tls;
    case CURLE_LOGIN_DENIED: return SmtpStep::login;
    default: break;
  }
  if (said_auth_) return SmtpStep::login;
  if (said_starttls_) return SmtpStep::tls;
  return easy_.info<curl_off_t>(CURLINFO_NAMELOOKUP_TIME_T) == 0 ? SmtpStep::resolve : SmtpStep::connect;
}

void SmtpLogin::fail(CURLcode code) {
  if (code == CURLE_LOGIN_DENIED && !said_auth_) return fail_for_want_of_login();
  const SmtpStep step = step_of(code);
  tell_passed(step);
  const Error error = curl::error(easy_, code, server_.name(), server_.ca_setting);
  const std::string answer = base::one_line(log::redact(base::trim(last_answer_)));
  const int number = std::atoi(answer.c_str());
  SmtpVerdict verdict{step, number >= 400 ? number : 0, error.what(), hint_of(code, step), SmtpComplaint::other};
  if (verdict.code != 0) verdict.text += " (" + answer + ")";
  if (verdict.hint.empty()) verdict.hint = error.hint();
  const auto about = complaint_of(step, verdict.code, answer, false);
  if (!said_auth_ && (about == SmtpComplaint::name || about == SmtpComplaint::machine)) {
    verdict.complaint = about;
    verdict.text = server_.name() + " " + to_sentence(about, step, server_) + ": " + answer;
    verdict.hint = http::hint_of(about, step, verdict.code, server_);
  }
  if (code == CURLE_INTERFACE_FAILED) verdict.hint = "set WRKTALK_AGENT_SMTP_SOURCE to an address of this machine";
  failure_ = std::move(verdict);
}

void SmtpLogin::fail_for_want_of_login() {
  tell_passed(SmtpStep::login);
  const auto offered = offered_logins(greeted_with_);
  failure_ = {SmtpStep::login, 0,
              server_.name() + (offered.empty() ? " offers no login"
                                                : " offers no login that wrktalk speaks (PLAIN, LOGIN): it offers " +
                                                      log::redact(base::join(offered, ", "))),
              offered.empty() ? "check the port, or empty smtp_user in deployment_config"
                              : "let the server take PLAIN or LOGIN over TLS for smtp_user, or relay for this machine "
                                "without a login and empty smtp_user in deployment_config",
              SmtpComplaint::other};
}

void SmtpLogin::tell_passed(SmtpStep until) {
  const auto passed = [&](SmtpStep step, const std::string& text) {
    if (step < until) passed_.push_back({step, text});
  };
  passed(SmtpStep::resolve,
         server_.host + address(easy_) + " (" + milliseconds(easy_.info<curl_off_t>(CURLINFO_NAMELOOKUP_TIME_T)) + ")");
  passed(SmtpStep::connect, "port " + std::to_string(server_.port) + " answers (" +
                                milliseconds(easy_.info<curl_off_t>(CURLINFO_CONNECT_TIME_T)) +
                                "): " + base::one_line(base::trim(greeting_)));
  passed(SmtpStep::tls, server_.tls == SmtpTls::none ? "none, as WRKTALK_AGENT_SMTP_TLS says"
                                                     : "certificate trusted: " + certificate(easy_));
  passed(SmtpStep::login, server_.user.empty() ? "none, as smtp_user is empty" : "accepted for " + server_.user);
}

}  // namespace wrktalk::http
