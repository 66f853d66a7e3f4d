// SPDX-License-Identifier: Apache-2.0
#include "core/db/sql_error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace wrktalk::db {
namespace {

using base::Kind;

template <std::size_t Size>
bool is_among(const std::array<std::string_view, Size>& states, const std::string& sqlstate) noexcept {
  return std::find(states.begin(), states.end(), sqlstate) != states.end();
}

/// serialization_failure, deadlock_detected
constexpr std::array<std::string_view, 2> kCollisions{"40001", "40P01"};
/// admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle_session_timeout,
/// idle_in_transaction_session_timeout, transaction_timeout
constexpr std::array<std::string_view, 7> kSessionEnded{"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"};
/// read_only_sql_transaction, lock_not_available, query_canceled
constexpr std::array<std::string_view, 3> kNotNow{"25006", "55P03", "57014"};

std::string class_of(const std::string& sqlstate) { return sqlstate.substr(0, 2); }

}  // namespace

Remedy remedy_of_sqlstate(const std::string& sqlstate) noexcept {
  if (is_among(kCollisions, sqlstate)) return Remedy::repeat;
  const std::string group = class_of(sqlstate);
  const bool passes =
      group == "08" || group == "53" || is_among(kSessionEnded, sqlstate) || is_among(kNotNow, sqlstate);
  return passes ? Remedy::wait : Remedy::none;
}

Remedy remedy(const base::Error& error) noexcept {
  if (error.kind() == Kind::connection_lost) return Remedy::wait;
  const auto* sql = dynamic_cast<const SqlError*>(&error);
  return sql == nullptr ? Remedy::none : remedy_of_sqlstate(sql->sqlstate());
}

Kind kind_of_sqlstate(const std::string& sqlstate) noexcept {
  const std::string group = class_of(sqlstate);
  if (group == "08" || is_among(kSessionEnded, sqlstate)) return Kind::connection_lost;
  if (sqlstate == "55P03") return Kind::busy;
  if (group == "28" || group == "3D" || sqlstate == "42501" || sqlstate == "25006") return Kind::configuration;
  return Kind::database;
}

std::string hint_of_sqlstate(const std::string& sqlstate) {
  if (sqlstate == "42501")
    return "grant this role the missing right (`wrktalk migrate grants` for the agent's tables), or connect as the "
           "owner";
  if (sqlstate == "25006")
    return "connect to the primary: this server is read-only (target_session_attrs=read-write finds it), or "
           "default_transaction_read_only is on for this role or database";
  if (class_of(sqlstate) == "40") return "run the command again: another transaction changed the same rows";
  if (sqlstate == "53100") return "free disk space on the database server";
  if (sqlstate == "53200") return "give the database server more memory, or a smaller work_mem";
  if (sqlstate == "53300") return "wait, or raise max_connections on the server";
  if (sqlstate == "55P03") return "try again: another session holds the lock (pg_locks shows which)";
  if (sqlstate == "57014")
    return "raise the statement timeout, or look at what the server is waiting for (pg_stat_activity)";
  if (sqlstate == "42P01")
    return "create the tables first: `wrktalk migrate up --set agent` or `wrktalk migrate up`; the role's search_path "
           "must "
           "name their schema";
  if (sqlstate == "22P05") return "use a database whose encoding is UTF8: this one's lacks a letter of the text";
  return {};
}

std::string hint_of_lost_connection(const std::string& message) {
  struct Limit {
    const char* words;  // of src/backend/tcop/postgres.c
    const char* setting;
  };
  for (const auto& [words, setting] : {Limit{"due to idle-session timeout", "idle_session_timeout"},
                                       {"due to idle-in-transaction timeout", "idle_in_transaction_session_timeout"},
                                       {"due to transaction timeout", "transaction_timeout"}}) {
    if (message.find(words) != std::string::npos)
      return std::string("raise ") + setting +
             " of the role or the database: it ends a session before it can be lifted";
  }
  return "look at the server's log; the command can be repeated";
}

}  // namespace wrktalk::db
