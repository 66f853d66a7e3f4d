// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/db/blocking_call.hpp"
#include "core/db/settings.hpp"

#include <chrono>
#include <memory>
#include <string>

struct pg_conn;

namespace wrktalk::db {

struct PgConnCloser {
  void operator()(pg_conn* connection) const noexcept;
};
using PgConn = std::unique_ptr<pg_conn, PgConnCloser>;

/// An attempt to connect by libpq, which tries each host and address in turn; left behind when it goes.
struct Attempt {
  /// Throws as BlockingCall does.
  explicit Attempt(const ConnectionSettings& settings);

  std::shared_ptr<PgConn> made;  ///< once `call` has ended: what PQconnectdb gave, good or bad
  BlockingCall call;
};

/// What is said of an attempt that was given up after `limit`, in libpq's words.
std::string timeout_expired(std::chrono::milliseconds limit);

/// Waits until `call`, which connects, has ended. Throws `connect_error` when connect_limit(settings) is over, and
/// Error(connection_lost) when settings.interrupt_fd is readable.
void await_connection(const BlockingCall& call, const ConnectionSettings& settings);

/// The error for an attempt that was given up because settings.interrupt_fd is readable.
base::Error interrupted_error(const ConnectionSettings& settings);

/// `settings` with this host and port alone, and with hostaddr where the socket's peer has one. For `address()` of
/// connections.
ConnectionSettings narrowed(ConnectionSettings settings, const std::string& host, const std::string& port, int socket);

}  // namespace wrktalk::db
