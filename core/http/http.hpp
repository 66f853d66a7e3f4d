// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/pulse.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP requests that keep a Pulse going, or that their owner drives.
namespace wrktalk::http {

struct Request {
  std::string method = "GET";
  std::string
      url;  ///< https://, or http:// where the options allow it, without user and password; the path is encoded already
  std::vector<std::pair<std::string, std::string>> headers{};  ///< names and values; never logged
  std::string body{};                                          ///< never logged
};

struct Response {
  int status = 0;  ///< whatever the server said: 404 and 500 are answers, too
  std::string body;
  std::string redirect;                 ///< where a 3xx points, absolute; it is not followed
  std::chrono::seconds retry_after{0};  ///< what a 429 or 503 asks for; zero: nothing
};

struct Options {
  std::string ca_file;          ///< PEM; empty: the system's
  bool verify = true;           ///< the server's certificate and name
  const char* ca_setting = "";  ///< how a user names another CA, for hints: "VAULT_CACERT"
  /// HOST or HOST:PORT to which http:// may be spoken; to this machine itself it always may.
  std::vector<std::string> plain_hosts{};
  bool plain = false;  ///< http:// to anybody: nothing is sent or believed that matters
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{30'000};  ///< of a request from name resolution to the answer's last byte
  std::size_t limit_bytes = 1024 * 1024;      ///< of an answer's body
  /// The status is all that counts: a body beyond the limit is cut, and one that does not come to its end is taken as it is. Else both
  /// are errors.
  bool status_only = false;
};

/// Keeps connections open between its requests. Redirects are not followed; proxies are those of the environment
/// (https_proxy, no_proxy, ...), never for this machine itself.
class Client {
 public:
  explicit Client(Options options);
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  /// Throws what the pulse throws, and Error: `connection_lost` when no answer came (name, connection, time), which may pass;
  /// `configuration` when the certificate is not trusted or the request cannot be right. Messages name host and port.
  Response send(const Request& request, base::Pulse& pulse, base::Deadline deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One request that never blocks: its owner waits for what `watch` names, then calls `advance`.
class Call {
 public:
  /// Begins to connect. Throws Error(configuration) when the request cannot be right.
  Call(Options options, Request request);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  /// Appends what to wait on and says when `advance()` is due at the latest.
  base::Deadline watch(std::vector<pollfd>& fds) const;
  /// Goes as far as possible without waiting: the answer once it is there. Throws what Client::send throws for want of one.
  std::optional<Response> advance();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A path with all but letters, digits, "-._~" and "/" as %XX.
std::string encoded_path(std::string_view path);

}  // namespace wrktalk::http
