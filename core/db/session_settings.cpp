// SPDX-License-Identifier: Apache-2.0
#include "core/db/session_settings.hpp"

#include <array>

namespace wrktalk::db {
namespace {

struct Setting {
  const char* name;
  const char* value;
  int since;  ///< the first server version that knows it
};

constexpr int kAlways = 0;
constexpr int kHasTransactionTimeout = 170'000;

constexpr std::array<Setting, 14> kSettings = {{
    {"idle_session_timeout", "0", 140'000},
    // Our statements are made for this level.
    {"default_transaction_isolation", "'read committed'", kAlways},
    {"default_transaction_deferrable", "off", kAlways},
    // An error is answered, often by another statement of the same session.
    {"exit_on_error", "off", kAlways},
    {"row_security", "on", kAlways},
    {"client_min_messages", "notice", kAlways},
    // How values and definitions are written. DateStyle keeps its order of day and month.
    {"quote_all_identifiers", "off", kAlways},
    {"DateStyle", "'ISO'", kAlways},
    {"IntervalStyle", "'postgres'", kAlways},
    {"extra_float_digits", "1", kAlways},
    {"bytea_output", "'hex'", kAlways},
    // How our texts are read.
    {"standard_conforming_strings", "on", kAlways},
    {"array_nulls", "on", kAlways},
    {"transform_null_equals", "off", kAlways},
}};

/// restrict_nonsystem_relation_kind came with a security fix to all versions of its time.
bool can_restrict_views(int server_version) noexcept {
  constexpr std::array<int, 5> kFirstMinor{20, 16, 13, 8, 4};  // of 12, 13, 14, 15, 16
  const int major = server_version / 10'000;
  if (major >= 17) return true;
  return major >= 12 && server_version % 10'000 >= kFirstMinor[static_cast<std::size_t>(major - 12)];
}

}  // namespace

std::string session_settings_sql(const SessionLimits& limits, Scope scope, int server_version) {
  const std::string set = scope == Scope::transaction ? "SET LOCAL " : "SET ";
  std::string sql;
  const auto add = [&](const char* name, const std::string& value) { sql += set + name + " = " + value + "; "; };
  // First: it may end the session before the others are set.
  if (server_version >= kHasTransactionTimeout) add("transaction_timeout", "0");
  add("statement_timeout", std::to_string(limits.statement.count()));
  add("lock_timeout", std::to_string(limits.lock.count()));
  add("idle_in_transaction_session_timeout", std::to_string(limits.idle_in_transaction.count()));
  for (const auto& setting : kSettings) {
    if (server_version >= setting.since) add(setting.name, setting.value);
  }
  if (can_restrict_views(server_version)) add("restrict_nonsystem_relation_kind", "''");
  return sql;
}

std::string session_options(const std::string& before, int server_version) {
  std::string options = before;
  const auto add = [&](const std::string& words) { options += (options.empty() ? "-c " : " -c ") + words; };
  // The programs set their limits by their first statements, which a limit may already end.
  if (server_version >= kHasTransactionTimeout) add("transaction_timeout=0");
  for (const char* limit : {"statement_timeout=0", "lock_timeout=0", "idle_in_transaction_session_timeout=0"}) {
    add(limit);
  }
  for (const auto& [name, value, since] : kSettings) {
    if (server_version < since) continue;
    std::string words = std::string(name) + "=";
    for (const char* at = value; *at != '\0'; ++at) {
      if (*at == ' ') words += '\\';
      if (*at != '\'') words += *at;
    }
    add(words);
  }
  return options;
}

std::string new_session_sql(const SessionLimits& limits, int backend_pid, int server_version) {
  return "SELECT 1 / (pg_backend_pid() = " + std::to_string(backend_pid) + ")::int; " +
         session_settings_sql(limits, Scope::session, server_version);
}

bool is_made_up(int backend_pid) noexcept {
  constexpr int kMostPids = 1 << 22;  // Linux's PID_MAX_LIMIT; poolers draw from all 32 bits
  return backend_pid <= 0 || backend_pid > kMostPids;
}

}  // namespace wrktalk::db
