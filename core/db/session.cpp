// SPDX-License-Identifier: Apache-2.0
#include "core/db/session.hpp"

#include "core/base/text.hpp"
#include "core/db/connecting.hpp"

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

/// The limits as a list of set_config calls; `local` is SQL for whether they end with the transaction.
std::string limits(const ConnectionSettings& settings, const std::string& local) {
  const auto set = [&](const char* name, std::chrono::milliseconds value) {
    return std::string("set_config('") + name + "', '" + std::to_string(value.count()) + "', " + local + ")";
  };
  return set("statement_timeout", settings.statement_timeout) + ", " + set("lock_timeout", settings.lock_timeout) +
         ", " + set("idle_in_transaction_session_timeout", std::chrono::minutes(5)) +
         // Our statements are made for this level, and short: compiling them takes longer than running them.
         ", set_config('default_transaction_isolation', 'read committed', " + local + "), set_config('jit', 'off', " +
         local + ")";
}

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
  const auto lost = [&](const char* when, const std::exception& e, const char* hint) {
    const std::string verdict = watch.verdict();
    return Error(Kind::connection_lost,
                 std::string("lost the connection to PostgreSQL") + when +
                     (verdict.empty() ? base::one_line(e.what()) : verdict),
                 hint);
  };
  try {
    return work();
  } catch (const pqxx::broken_connection& e) {
    throw lost(": ", e, "look at the server's log; the command can be repeated");
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
  // A pooler makes up the process id that it tells us. There, set_config is to leave nothing behind.
  const std::string foreign = "pg_backend_pid() <> " + std::to_string(watched_->connection->backendpid());
  const auto answer = run("SELECT " + foreign + ", " + limits(settings, foreign));
  if (answer[0][0].as<bool>()) limits_ = "SELECT " + limits(settings, "true");
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
    if (!session.limits_.empty()) tx->exec(session.limits_);
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
