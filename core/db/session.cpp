// SPDX-License-Identifier: Apache-2.0
#include "core/db/session.hpp"

#include "core/base/text.hpp"
#include "core/db/connecting.hpp"
#include "core/db/session_settings.hpp"

namespace wrktalk::db {
namespace {

using base::Error;
using base::Kind;

SqlError server_error(const std::string& message, const std::string& sqlstate) {
  // The first line says what; the others repeat our own SQL with a caret.
  std::string reason = base::trim(base::split(message, '\n').front());
  if (base::starts_with(reason, "ERROR:  ")) reason.erase(0, 8);
  return SqlError(kind_of_sqlstate(sqlstate), base::one_line(reason), sqlstate, hint_of_sqlstate(sqlstate));
}

SessionLimits limits_of(const ConnectionSettings& settings) {
  return {settings.statement_timeout, settings.lock_timeout, std::chrono::minutes(5)};
}

/// Our statements are short: compiling them takes longer than running them.
std::string no_compiling(Scope scope) { return scope == Scope::transaction ? "SET LOCAL jit = off" : "SET jit = off"; }

std::chrono::milliseconds answer_limit(const ConnectionSettings& settings) {
  if (settings.answer_within.count() > 0 || settings.statement_timeout.count() == 0) return settings.answer_within;
  return settings.statement_timeout + std::chrono::seconds(5);
}

}  // namespace

Param::Param(const std::vector<std::string>& items) {
  std::string array = "{";
  for (const auto& item : items) {
    if (array.size() > 1) array += ',';
    array += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  text_ = array + "}";
}

namespace detail {

Result WatchedConnection::translated(const std::function<Result()>& work) {
  const AnswerWatch::Statement statement(watch);
  const auto lost = [&](const char* when, const std::exception& e, const std::string& hint) {
    const std::string verdict = watch.verdict();
    return Error(Kind::connection_lost,
                 std::string("lost the connection to PostgreSQL") + when +
                     (verdict.empty() ? base::one_line(e.what()) : verdict),
                 hint);
  };
  try {
    return work();
  } catch (const pqxx::broken_connection& e) {
    throw lost(": ", e, hint_of_lost_connection(e.what()));
  } catch (const pqxx::in_doubt_error& e) {
    throw lost(" during COMMIT: ", e, "look whether the change is there before repeating it");
  } catch (const pqxx::deadlock_detected& e) {
    // In libpqxx 6 these two are not sql_errors.
    throw server_error(e.what(), "40P01");
  } catch (const pqxx::serialization_failure& e) {
    throw server_error(e.what(), "40001");
  } catch (const pqxx::insufficient_privilege& e) {
    // libpqxx 6 does not hand its SQLSTATE on.
    throw server_error(e.what(), "42501");
  } catch (const pqxx::sql_error& e) {
    throw server_error(e.what(), e.sqlstate());
  } catch (const pqxx::failure& e) {
    throw Error(Kind::database, base::one_line(e.what()));
  }
}

}  // namespace detail

Session::Session(const ConnectionSettings& settings) : settings_(settings) {
  struct Made {
    std::unique_ptr<pqxx::connection> connection;
    std::string error;
  };
  const auto made = std::make_shared<Made>();
  const BlockingCall call([made, text = conninfo(settings)] {
    try {
      made->connection = std::make_unique<pqxx::connection>(text);
    } catch (const std::exception& e) {
      made->error = e.what();
    }
  });
  await_connection(call, settings);
  if (!made->connection) throw connect_error(settings, made->error);
  watched_ = std::make_shared<detail::WatchedConnection>(std::move(made->connection), answer_limit(settings),
                                                         settings.interrupt_fd);
#if PQXX_VERSION_MAJOR < 7
  // libpqxx 6 reconnects by itself and repeats BEGIN; locks and LISTEN would be gone without a word.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  watched_->connection->inhibit_reactivation(true);
#pragma GCC diagnostic pop
#endif
  settle();
}

void Session::settle() {
  const int pid = watched_->connection->backendpid();
  const SessionLimits limits = limits_of(settings_);
  bool ours = !is_made_up(pid);
  if (ours) {
    try {
      watched_->translated([&] {
        pqxx::nontransaction tx(*watched_->connection);
        return tx.exec(new_session_sql(limits, pid, server_version()) + no_compiling(Scope::session));
      });
    } catch (const SqlError& error) {
      // libpqxx 6 does not hand this SQLSTATE on.
      if (error.sqlstate() != kThroughPooler && !error.sqlstate().empty()) throw;
      ours = false;
    } catch (const Error& error) {
      // libpqxx does not repeat the server's last words.
      throw Error(error.kind(), error.what(),
                  "look at the server's log; a very short idle_session_timeout or transaction_timeout of the role or "
                  "database ends a session before it can be lifted");
    }
  }
  if (ours) return;
  local_settings_ =
      session_settings_sql(limits, Scope::transaction, server_version()) + no_compiling(Scope::transaction);
}

void Session::listen(const std::string& channel) { run("LISTEN " + quote_identifier(channel)); }

bool Session::notified() {
  try {
    return watched_->connection->get_notifs() > 0;
  } catch (const pqxx::failure& e) {
    throw Error(Kind::connection_lost, "lost the connection to PostgreSQL: " + base::one_line(e.what()));
  }
}

int Session::socket() const { return watched_->connection->sock(); }

int Session::server_version() const { return watched_->connection->server_version(); }

ConnectionSettings Session::address() const {
  return narrowed(settings_, watched_->connection->hostname(), watched_->connection->port(), socket());
}

Transaction::Transaction(Session& session) : watched_(session.watched_) {
  watched_->translated([&] {
    auto tx = std::make_unique<pqxx::work>(*watched_->connection);
    if (session.pooled()) tx->exec(session.local_settings_);
    tx_ = std::move(tx);
    return Result();
  });
}

Transaction::~Transaction() {
  // A rollback is a statement, too.
  const AnswerWatch::Statement statement(watched_->watch);
  tx_.reset();
}

void Transaction::commit() {
  watched_->translated([&] {
    tx_->commit();
    return Result();
  });
}

std::optional<std::string> text(const Row& row, const char* column) {
  const auto field = row[column];
  if (field.is_null()) return std::nullopt;
  return std::string(field.c_str(), field.size());
}

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quote_literal(std::string_view text) {
  std::string out = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

}  // namespace wrktalk::db
