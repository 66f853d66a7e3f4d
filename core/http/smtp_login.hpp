// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/http/curl.hpp"
#include "core/http/smtp.hpp"

namespace wrktalk::http {

/// The first part of a session, which libcurl does: name, connection, TLS, login. The rest of the dialogue is SmtpSession's own, because
/// libcurl would wait for the answer to its QUIT, up to two minutes, and would not tell one recipient's answer from another's.
class SmtpLogin {
 public:
  /// `server` must outlive it.
  explicit SmtpLogin(const SmtpServer& server);

  base::Deadline watch(std::vector<pollfd>& fds) const { return running_->watch(fds); }
  /// True when it has ended: with a `failure()`, or ready for a message.
  bool advance();
  const std::optional<SmtpVerdict>& failure() const noexcept { return failure_; }
  const std::vector<SmtpSession::Passed>& passed() const noexcept { return passed_; }

  /// The connection: for curl_easy_send and curl_easy_recv after the end.
  const curl::Easy& easy() const noexcept { return easy_; }

 private:
  static std::size_t on_answer(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static int on_dialogue(CURL* handle, curl_infotype type, char* data, std::size_t size, void* self) noexcept;

  SmtpStep step_of(CURLcode code) const;
  void tell_passed(SmtpStep until);
  void fail(CURLcode code);
  void fail_for_want_of_login();

  const SmtpServer& server_;
  curl::Multi multi_ = curl::make_multi();
  curl::Easy easy_;
  std::optional<curl::Running> running_;
  bool said_starttls_ = false;
  bool said_auth_ = false;
  std::string greeting_;
  std::string last_answer_;
  std::vector<std::string> greeted_with_;  ///< the lines of the last answer to EHLO
  std::optional<SmtpVerdict> failure_;
  std::vector<SmtpSession::Passed> passed_;
};

}  // namespace wrktalk::http
