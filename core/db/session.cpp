// SPDX-License-Identifier: Apache-2.0
#include "core/db/session.hpp"

#include "core/base/text.hpp"

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
         ", " + set("idle_in_transaction_session_timeout", std::chrono::minutes(5));
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

Result translated(const std::function<Result()>& work) {
  try {
    return work();
  } catch (const pqxx::broken_connection& e) {
    throw Error(Kind::connection_lost, "lost the connection to PostgreSQL: " + base::one_line(e.what()),
                "look at the server's log; the command can be repeated");
  } catch (const pqxx::in_doubt_error& e) {
    throw Error(Kind::connection_lost, "lost the connection to PostgreSQL during COMMIT: " + base::one_line(e.what()),
                "look whether the change is there before repeating it");
  } catch (const pqxx::deadlock_detected& e) {
    // In libpqxx 6 these two are not sql_errors.
    throw server_error(e.what(), "40P01");
  } catch (const pqxx::serialization_failure& e) {
    throw server_error(e.what(), "40001");
  } catch (const pqxx::sql_error& e) {
    throw server_error(e.what(), e.sqlstate());
  } catch (const pqxx::failure& e) {
    throw Error(Kind::database, base::one_line(e.what()));
  }
}

}  // namespace detail

Session::Session(const ConnectionSettings& settings) {
  try {
    connection_ = std::make_unique<pqxx::connection>(conninfo(settings));
  } catch (const pqxx::broken_connection& e) {
    throw connect_error(settings, e.what());
  } catch (const pqxx::failure& e) {
    throw connect_error(settings, e.what());
  }
#if PQXX_VERSION_MAJOR < 7
  // libpqxx 6 reconnects by itself and repeats BEGIN; locks and LISTEN would be gone without a word.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_->inhibit_reactivation(true);
#pragma GCC diagnostic pop
#endif
  // A pooler makes up the process id that it tells us. There, set_config is to leave nothing behind.
  const std::string foreign = "pg_backend_pid() <> " + std::to_string(connection_->backendpid());
  pqxx::nontransaction tx(*connection_);
  const auto answer =
      detail::translated([&] { return tx.exec("SELECT " + foreign + ", " + limits(settings, foreign)); });
  if (answer[0][0].as<bool>()) limits_ = "SELECT " + limits(settings, "true");
}

Result Session::in_transaction(const std::function<Result(pqxx::work&)>& work) {
  return detail::translated([&] {
    pqxx::work tx(*connection_);
    tx.exec(limits_);
    Result result = work(tx);
    tx.commit();
    return result;
  });
}

void Session::listen(const std::string& channel) { run("LISTEN " + quote_identifier(channel)); }

bool Session::notified() {
  try {
    return connection_->get_notifs() > 0;
  } catch (const pqxx::failure& e) {
    throw Error(Kind::connection_lost, "lost the connection to PostgreSQL: " + base::one_line(e.what()));
  }
}

int Session::socket() const { return connection_->sock(); }

int Session::server_version() const { return connection_->server_version(); }

Transaction::Transaction(Session& session) {
  detail::translated([&] {
    tx_ = std::make_unique<pqxx::work>(*session.connection_);
    if (!session.limits_.empty()) tx_->exec(session.limits_);
    return Result();
  });
}

void Transaction::commit() {
  detail::translated([&] {
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
