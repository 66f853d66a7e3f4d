// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

/// What our sessions depend on, whatever the role, the database or PGOPTIONS say: limits, and how values and definitions are
/// written and read. What somebody may mean by a setting is left alone: search_path, TimeZone, default_transaction_read_only,
/// tablespaces, the planner.
namespace wrktalk::db {

struct SessionLimits {
  std::chrono::milliseconds statement{0};            ///< zero: none
  std::chrono::milliseconds lock{0};                 ///< zero: none
  std::chrono::milliseconds idle_in_transaction{0};  ///< zero: none
};

enum class Scope { session, transaction };

/// SQL: SET statements for this server version (as PQserverVersion), each with a semicolon and a blank behind it.
std::string session_settings_sql(const SessionLimits& limits, Scope scope, int server_version);

/// The same for the connections of PostgreSQL's own programs, which set limits and formats of their own: a value for libpq's
/// keyword `options`, behind what `before` says.
std::string session_options(const std::string& before, int server_version);

/// The same SET statements for a new session, in a message that the server refuses before the first of them when a pooler
/// stands between us and it: nothing is to be left in a session that is somebody else's next. `backend_pid` is what we were
/// told when we connected.
std::string new_session_sql(const SessionLimits& limits, int backend_pid, int server_version);
/// The SQLSTATE of that refusal.
constexpr const char* kThroughPooler = "22012";

/// Whether it can be seen without asking the server that a pooler made the process id up.
bool is_made_up(int backend_pid) noexcept;

}  // namespace wrktalk::db
