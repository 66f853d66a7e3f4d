// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/pulse.hpp"
#include "core/db/connecting.hpp"
#include "core/db/session_settings.hpp"
#include "core/db/settings.hpp"
#include "core/db/sql_error.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

/// libpq itself, where libpqxx is too weak: large bytea values, scripts with an error position, waiting that
/// keeps a Pulse going, and statements that are sent now and answered later.
namespace wrktalk::db::raw {

struct PgResultCloser {
  void operator()(pg_result* result) const noexcept;
};
struct CopyMemory {
  void operator()(char* data) const noexcept;
};
using PgResult = std::unique_ptr<pg_result, PgResultCloser>;

/// A server's error inside a script.
class ScriptError : public SqlError {
 public:
  using SqlError::SqlError;
  std::size_t position = 0;  ///< 1-based offset in characters (not bytes) into the script sent; 0: not known
  std::string message;       ///< the primary message alone
  std::string detail;        ///< the server's DETAIL
  std::string server_hint;   ///< the server's HINT
};

/// Text values of a small result; NULL is an empty optional.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;

  /// Throws std::out_of_range when there is no such row or column.
  const std::optional<std::string>& at(std::size_t row, std::string_view column) const;
};

/// One connection. Its session has the settings of session_settings.hpp, `ConnectionSettings::lock_timeout` among them;
/// through a pooler, which may give each transaction another session, they are set in each transaction that
/// `begin_sql` begins, and in one that is put around a `query` outside of any.
///
/// A statement that waits for a lock says so in the log, and for whom; a lock that is not to be had throws Error(busy) with
/// its holder.
///
/// All waiting is done with poll(2) and drives the caller's Pulse; a deadline that passes cancels
/// the statement on the server, drains the connection and throws SqlError 57014. The connection can be used on, unless
/// the server does not even answer to that: then it is lost.
class Connection {
 public:
  /// Connects (blocking, limited by connect_limit and interrupt_fd). Throws `connect_error`.
  explicit Connection(const ConnectionSettings& settings);

  /// The settings, narrowed to the one host, address and port that answered: a way back that needs no name server.
  ConnectionSettings address() const;

  /// Simple protocol, one or several statements in one message: PostgreSQL runs them in one transaction unless
  /// they hold BEGIN or COMMIT or a transaction is open. Returns the command tags ("CREATE TABLE", "INSERT 0 1")
  /// in order. Throws ScriptError.
  std::vector<std::string> script(const std::string& sql, base::Pulse& pulse, base::Deadline deadline);

  /// One statement with text parameters.
  Table query(const std::string& sql, const std::vector<std::optional<std::string>>& params, base::Pulse& pulse,
              base::Deadline deadline);

  /// Starts COPY ... FROM STDIN; then `copy_write` any number of times and `copy_finish` (returns the command tag),
  /// or `copy_abort`. Messages may be cut anywhere, so a large field needs no large buffer.
  void copy_in(const std::string& sql, base::Pulse& pulse, base::Deadline deadline);
  void copy_write(const char* data, std::size_t size, base::Pulse& pulse, base::Deadline deadline);
  std::string copy_finish(base::Pulse& pulse, base::Deadline deadline);
  void copy_abort(const std::string& why) noexcept;

  /// Called with severity and text for each NOTICE, WARNING, ... of the server. Must not throw.
  void on_notice(std::function<void(const std::string& severity, const std::string& message)> handler);

  int server_version() const;  ///< as PQserverVersion: 150018 is 15.18
  /// A parameter the server reports: "server_version", "in_hot_standby" (14+), "TimeZone". Empty when unknown.
  std::string parameter(const std::string& name) const;
  /// host, port, dbname or user as really connected, for messages.
  std::string host() const;
  std::string port() const;
  std::string database() const;
  std::string user() const;
  bool in_transaction() const;
  int backend_pid() const;  ///< as the server told when we connected; a pooler makes one up
  /// Whether a pooler stands between us and the server.
  bool pooled() const noexcept { return pooled_; }

  /// "BEGIN `mode`; ": the beginning of a transaction.
  std::string begin_sql(const std::string& mode = {}) const;
  /// SQL that makes the session ours again after RESET ALL.
  std::string settings_sql() const;

  /// Whether the session still stands, as far as the server has told; reads what has arrived, never blocks.
  bool alive() noexcept;
  int socket() const;

 private:
  friend class CopyOut;
  PgResult next_result(base::Pulse& pulse, base::Deadline deadline);
  void start_copy(const std::string& sql, int expected_status, base::Pulse& pulse, base::Deadline deadline);
  std::string finish_copy(base::Pulse& pulse, base::Deadline deadline);
  void wait(short events, base::Pulse& pulse, base::Deadline deadline);
  void flush(base::Pulse& pulse, base::Deadline deadline);
  void cancel_and_drain() noexcept;
  [[noreturn]] void lost() const;

  Table query_once(const std::string& sql, const std::vector<std::optional<std::string>>& params, base::Pulse& pulse,
                   base::Deadline deadline);
  void settle();
  ScriptError error_of(const pg_result* result) const;

  ConnectionSettings settings_;
  PgConn connection_;
  bool pooled_ = false;
  std::string lock_holder_;  ///< who was seen to hold the lock that the last statement waited for
  std::unique_ptr<std::function<void(const std::string&, const std::string&)>> notice_;
};

/// The values of COPY ... TO STDOUT (FORMAT binary) of one bytea column, pulled row by row. An object that goes before the
/// end cancels the statement and drains the connection, which can be used on. Nothing else may use the connection meanwhile.
class CopyOut {
 public:
  CopyOut(Connection& connection, const std::string& sql, base::Pulse& pulse, base::Deadline deadline);
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;
  ~CopyOut();

  /// The next row's value, valid until the next call; NULL is an empty one. Nothing after the last row.
  std::optional<std::string_view> next(base::Pulse& pulse, base::Deadline deadline);

 private:
  Connection& connection_;
  std::unique_ptr<char, CopyMemory> message_;
  bool header_seen_ = false;
  bool ended_ = false;
};

/// A transaction on a raw connection: rolled back when it goes, unless `commit()` was called.
class Transaction {
 public:
  Transaction(Connection& connection, base::Pulse& pulse, base::Deadline deadline);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit(base::Pulse& pulse, base::Deadline deadline);

 private:
  Connection& connection_;
  bool open_ = true;
};

/// A connection that never blocks: it is opened, its session gets our settings, and one statement at a time is sent and answered, while the owner's
/// loop does other things. For the heartbeat.
class AsyncConnection {
 public:
  enum class State {
    closed,      ///< call `open()`
    connecting,  ///< wait for `socket()`/`events()`, call `advance()`; `broken` after connect_limit
    idle,        ///< `send()` may be called
    busy,        ///< a statement is under way: wait, `advance()`, then `take()`
    answered,    ///< `take()` has something
    broken,      ///< `error()` says why; `open()` starts anew
  };

  State state() const noexcept { return state_; }
  const std::string& error() const noexcept { return error_; }
  /// The SQLSTATE of the last failed statement, if any.
  const std::string& sqlstate() const noexcept { return sqlstate_; }

  void open(const ConnectionSettings& settings) noexcept;
  void close() noexcept;
  void send(const std::string& sql, const std::vector<std::optional<std::string>>& params) noexcept;
  /// Goes as far as possible without waiting.
  void advance() noexcept;
  /// The answer; state becomes `idle`. Nothing when the statement failed: `error()` and `sqlstate()` say why.
  std::optional<Table> take() noexcept;

  int socket() const noexcept;
  short events() const noexcept;

 private:
  void fail(const std::string& why) noexcept;
  void advance_attempt() noexcept;
  void advance_settings() noexcept;

  std::optional<Attempt> attempt_;
  SessionLimits limits_;
  std::chrono::milliseconds limit_{0};
  base::Deadline give_up_ = base::Deadline::never();
  PgConn connection_;
  PgResult result_;
  State state_ = State::closed;
  std::string error_;
  std::string sqlstate_;
};

}  // namespace wrktalk::db::raw
