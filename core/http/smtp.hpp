// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/secret.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

/// Mail: a session with an SMTP server, beside HTTP because libcurl makes its connection, its TLS and its login.
namespace wrktalk::http {

/// Required as said: a server that does not offer it is not talked to in plain text instead.
enum class SmtpTls { starttls, from_the_start, none };

struct SmtpServer {
  std::string host;
  int port = 587;
  SmtpTls tls = SmtpTls::starttls;
  std::string user;  ///< empty: no login
  base::Secret password;
  std::string ca_file;                              ///< PEM; empty: the system's
  const char* ca_setting = "";                      ///< how a user names another CA, for hints
  std::string ehlo_name;                            ///< empty: this host's
  std::string source;                               ///< as libcurl takes it: "host!192.0.2.1"; empty: any
  std::chrono::milliseconds connect_limit{30'000};  ///< from name resolution to the end of the login
  std::chrono::milliseconds answer_limit{60'000};   ///< of a command
  /// Of the answer to the whole message. Servers take their time over it, and one given up too early comes twice (RFC 5321, 4.5.3.2).
  std::chrono::milliseconds message_limit{300'000};

  std::string name() const { return host + ":" + std::to_string(port); }
};

/// In the order in which they come; the last four belong to each message.
enum class SmtpStep { resolve, connect, tls, login, sender, recipient, message, accepted };
const char* to_text(SmtpStep step) noexcept;

/// What a refusal is about, by the server's words.
enum class SmtpComplaint {
  other,    ///< what the step says
  name,     ///< the name in EHLO
  tls,      ///< it wants TLS
  login,    ///< it wants a login
  relay,    ///< it does not relay, though we logged in
  machine,  ///< this machine's address
  sender,
};

struct SmtpMessage {
  std::string from;  ///< addresses alone, ASCII, without angle brackets
  std::string to;
  std::string text;  ///< RFC 5322: headers and body, lines end in CRLF
};

/// What became of a message, or of a session that did not come to take one.
struct SmtpVerdict {
  SmtpStep step = SmtpStep::resolve;  ///< `accepted`, or where it ended
  int code = 0;                       ///< the server's answer; 0: there was none
  std::string text;                   ///< the answer, or what went wrong, with host and port; one line, never a secret
  std::string hint;
  SmtpComplaint complaint = SmtpComplaint::other;

  bool accepted() const noexcept { return step == SmtpStep::accepted; }
  /// The server will not take this message for this recipient at any time. All else may pass or be put right.
  bool refused_for_good() const noexcept {
    return code >= 500 && step >= SmtpStep::recipient && complaint == SmtpComplaint::other && !accepted();
  }
  /// No message would get through now, whoever it is for.
  bool server_failed() const noexcept {
    return !accepted() && (step < SmtpStep::sender || code == 0 || complaint == SmtpComplaint::name ||
                           complaint == SmtpComplaint::tls || complaint == SmtpComplaint::login ||
                           complaint == SmtpComplaint::machine);
  }
};

/// One session that never blocks: its owner waits for what `watch` names, then calls `advance`.
class SmtpSession {
 public:
  enum class State {
    connecting,
    ready,    ///< `send()` may be called
    sending,  ///< until the server is ready for another message
    failed,   ///< of no use any more
  };

  /// Begins to connect. Throws Error(configuration) for a host or a login that cannot be.
  explicit SmtpSession(SmtpServer server);
  SmtpSession(const SmtpSession&) = delete;
  SmtpSession& operator=(const SmtpSession&) = delete;
  /// Says QUIT when that can be said at once, and waits for no answer.
  ~SmtpSession();

  State state() const noexcept;
  base::Deadline watch(std::vector<pollfd>& fds) const;
  /// Goes as far as possible without waiting.
  void advance() noexcept;

  void send(SmtpMessage message) noexcept;
  /// The verdict on the last message, or on the session when it failed; once.
  std::optional<SmtpVerdict> take() noexcept;
  /// Whether the server may have taken a message that it has not answered yet.
  bool in_doubt() const noexcept;

  /// A step that has been passed and what is to be told of it: "the address is 192.0.2.1".
  struct Passed {
    SmtpStep step;
    std::string text;
  };
  const std::vector<Passed>& passed() const noexcept;

 private:
  struct Talk;
  std::unique_ptr<Talk> talk_;
};

}  // namespace wrktalk::http
