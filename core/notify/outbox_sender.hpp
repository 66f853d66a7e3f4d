// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/backoff.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/http/http.hpp"
#include "core/notify/settings.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace wrktalk::notify {

/// Sends what is in the outbox while its owner does other things. It never waits: a mail server that hangs holds up nothing.
///
/// It takes one message at a time, under a lease that other agents respect, and writes down what became of it before it takes the next.
/// What was taken and not written down (we were killed) is sent again when the lease is over, with the same Message-ID. What cannot be
/// sent is tried again after 1 minute, 2, 4, ... 6 hours, for 3 days; what the server refuses for good is given up.
///
/// It holds a database connection of its own, and one to the mail server, only while something is due.
class OutboxSender : public base::Pulse {
 public:
  /// `database` is asked at each connection, since credentials may change.
  OutboxSender(Settings settings, std::function<db::ConnectionSettings()> database);

  /// Something in the outbox is due in that time: from what others saw there.
  void wake(std::chrono::milliseconds in = std::chrono::milliseconds::zero()) noexcept;

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() noexcept override;

  /// Takes nothing more; a message under way is still brought to its end.
  void finish() noexcept { finishing_ = true; }
  /// Whether nothing is under way nor due. What has just failed is not due.
  bool at_rest() const noexcept;
  /// Lets go of a message that the server does not have yet: it will be tried again. Returns false when there is one that the server may
  /// have, which only time can tell.
  bool let_go() noexcept;

  int sent() const noexcept { return sent_; }
  /// Messages that were tried, and given up or put off.
  int failed() const noexcept { return failed_; }

 private:
  enum class Phase { rest, taking, carrying, recording };
  /// A row of the outbox that is ours.
  struct OutboxRow {
    std::string id;
    std::string attempt;
    std::string event;
    std::string recipient;
    std::string name;  ///< the admin's
    std::string data;
  };
  /// What became of it.
  struct Result {
    enum class Fate { sent, later, never } fate;
    std::string error;
    bool server_failed = false;  ///< no other mail would get through now
  };

  bool step();
  bool talk_to_database();
  void send_take();
  void taken(const db::raw::Table& table);
  void carry_mail(const MailConfig& config);
  bool mail_carried();
  bool call_carried();
  void done(Result result);
  void send_record();
  void recorded(const db::raw::Table& table);
  void database_failed(const std::string& why);
  void rest(base::Deadline until) noexcept;

  Settings settings_;
  std::function<db::ConnectionSettings()> database_;
  db::raw::AsyncConnection connection_;
  Phase phase_ = Phase::rest;
  bool finishing_ = false;
  base::Deadline next_ = base::Deadline::never();              ///< when something may be due
  base::Deadline answer_by_ = base::Deadline::never();         ///< of the database
  base::Deadline reconnect_at_ = base::Deadline::at({});       ///< after it failed
  base::Deadline mail_paused_until_ = base::Deadline::at({});  ///< after the mail server failed
  base::Backoff backoff_;

  std::optional<OutboxRow> row_;
  std::optional<Result> result_;
  std::unique_ptr<http::SmtpSession> session_;
  std::string session_with_;  ///< the settings that it was made with
  int session_mails_ = 0;     ///< that it has been given
  std::optional<http::SmtpServer> server_;
  http::SmtpMessage letter_;
  bool handed_over_ = false;  ///< the email, to the session
  std::unique_ptr<http::Call> call_;
  int sent_ = 0;
  int failed_ = 0;
};

}  // namespace wrktalk::notify
