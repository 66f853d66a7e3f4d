// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/answer_watch.hpp"
#include "core/db/settings.hpp"
#include "core/db/sql_error.hpp"

#include <pqxx/pqxx>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace wrktalk::db {

using Result = pqxx::result;
using Row = pqxx::row;

/// A statement's parameter in text form; NULL when empty. Say the type in the SQL ("$1::uuid").
class Param {
 public:
  Param(std::nullptr_t) {}                                // NOLINT(google-explicit-constructor)
  Param(std::nullopt_t) {}                                // NOLINT(google-explicit-constructor)
  Param(std::string text) : text_(std::move(text)) {}     // NOLINT(google-explicit-constructor)
  Param(std::string_view text) : text_(text) {}           // NOLINT(google-explicit-constructor)
  Param(const char* text) : text_(text) {}                // NOLINT(google-explicit-constructor)
  Param(bool value) : text_(value ? "true" : "false") {}  // NOLINT(google-explicit-constructor)
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  Param(T value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)
  template <class T>
  Param(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor)
    if (value) *this = Param(*value);
  }
  /// An array literal: pass it as "$1::text[]".
  Param(const std::vector<std::string>& items);  // NOLINT(google-explicit-constructor)

  const char* c_str() const noexcept { return text_ ? text_->c_str() : nullptr; }

 private:
  std::optional<std::string> text_;
};

namespace detail {
/// A connection and who watches over its statements. A transaction keeps both, also when its Session is gone.
struct WatchedConnection {
  WatchedConnection(std::unique_ptr<pqxx::connection> made, std::chrono::milliseconds answer_within, int interrupt_fd)
      : connection(std::move(made)), watch(connection->sock(), answer_within, interrupt_fd) {}

  /// Runs `work`, which sends statements, under the watch, and turns libpqxx's exceptions into ours.
  Result translated(const std::function<Result()>& work);

  const std::unique_ptr<pqxx::connection> connection;
  AnswerWatch watch;
};

template <class Tx, class Params, std::size_t... I>
Result exec(Tx& tx, const std::string& sql, const Params& params, std::index_sequence<I...>) {
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
  return tx.exec(sql, pqxx::params{params[I].c_str()...});
#else
  return tx.exec_params(sql, params[I].c_str()...);
#endif
}

template <class Tx, class... A>
Result run(Tx& tx, const std::string& sql, const A&... args) {
  const std::array<Param, sizeof...(A)> params{Param(args)...};
  return exec(tx, sql, params, std::index_sequence_for<A...>{});
}
}  // namespace detail

/// One connection through libpqxx, for plain statements. Blocking; each statement is limited by
/// `ConnectionSettings::statement_timeout` on the server and, should the answer stay away, by `answer_within`. The session
/// has the settings of session_settings.hpp. Through a pooler nothing is kept in the server's session, which may be
/// somebody else's next: they are set in each transaction.
///
/// Everything throws base::Error: `connection_lost` means that this object is of no use any more (make a new
/// one); SqlError carries the SQLSTATE. Not for use from two threads.
class Session {
 public:
  /// Connects, within connect_limit. Throws `connect_error`.
  explicit Session(const ConnectionSettings& settings);
  Session(Session&&) = default;
  Session& operator=(Session&&) = default;

  /// One statement in a transaction of its own, repeated when it collided with another transaction.
  template <class... A>
  Result run(const std::string& sql, const A&... args) {
    return repeated([&] { return run_once(sql, args...); });
  }

  /// Whether a pooler stands between us and the server.
  bool pooled() const noexcept { return !local_settings_.empty(); }

  /// From now on notifications on `channel` make `socket()` readable. Gone when the connection is. Not to be
  /// had through a pooler in transaction mode, which says nothing about it.
  void listen(const std::string& channel);

  /// Whether a notification arrived since the last call; never blocks.
  bool notified();

  /// For poll(2). Ask `notified()` before waiting: data may have been read already.
  int socket() const;

  /// As PQserverVersion: 150018 is 15.18.
  int server_version() const;

  /// The settings, narrowed to the one host, address and port that answered: a way back that needs no name server.
  ConnectionSettings address() const;

 private:
  friend class Transaction;

  template <class... A>
  Result run_once(const std::string& sql, const A&... args) {
    return watched_->translated([&] {
      if (!pooled()) {
        pqxx::nontransaction tx(*watched_->connection);
        return detail::run(tx, sql, args...);
      }
      pqxx::work tx(*watched_->connection);
      tx.exec(local_settings_);
      Result result = detail::run(tx, sql, args...);
      tx.commit();
      return result;
    });
  }
  void settle();

  ConnectionSettings settings_;
  std::shared_ptr<detail::WatchedConnection> watched_;
  std::string local_settings_;  ///< SQL for the start of each transaction; empty when set for the session
};

/// A transaction: undone when it goes, unless `commit()` was called. One at a time on a Session.
class Transaction {
 public:
  explicit Transaction(Session& session);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  template <class... A>
  Result run(const std::string& sql, const A&... args) {
    return watched_->translated([&] { return detail::run(*tx_, sql, args...); });
  }

  /// Throws `connection_lost` when the answer did not arrive: the outcome is unknown then, look again.
  void commit();

 private:
  std::shared_ptr<detail::WatchedConnection> watched_;
  std::unique_ptr<pqxx::work> tx_;
};

/// The column's text, or nothing for NULL.
std::optional<std::string> text(const Row& row, const char* column);

/// An SQL identifier, quoted.
std::string quote_identifier(std::string_view name);
/// An SQL string literal, quoted (standard_conforming_strings).
std::string quote_literal(std::string_view text);

}  // namespace wrktalk::db
