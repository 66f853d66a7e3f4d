// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::db {

/// Where and how to connect.
///
/// `parameters` are libpq connection keywords and their values, the password among them: never printed.
/// What is not named is taken by libpq from PG* variables, service and password files.
/// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
struct ConnectionSettings {
  std::vector<std::pair<std::string, std::string>> parameters;

  /// statement_timeout of ordinary statements; zero: none.
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds lock_timeout{10'000};

  /// How long a Session waits for the answer to one statement before it gives the connection up; zero:
  /// statement_timeout and five seconds, or without a statement_timeout for ever.
  std::chrono::milliseconds answer_within{0};
  /// Readable while a signal asks the process to end: attempts to connect are then given up at once, statements of a
  /// Session after a second. -1: none.
  int interrupt_fd = -1;
};

/// The parameters that a conninfo string or URI names. Throws Error(configuration) when it is none; the text, which may hold
/// a password, is not repeated.
std::vector<std::pair<std::string, std::string>> parse_conninfo(const std::string& text);

/// A copy with our defaults for what `settings` and the PG* variables leave open: connect_timeout=10, keepalives,
/// tcp_user_timeout, gssencmode=disable, application_name=`application`.
ConnectionSettings with_defaults(ConnectionSettings settings, const std::string& application);

/// A copy in which `keyword` has this value alone.
ConnectionSettings with_parameter(ConnectionSettings settings, const std::string& keyword, const std::string& value);
/// A copy with this connect_timeout for each address; libpq takes less than two seconds for two.
ConnectionSettings with_connect_timeout(ConnectionSettings settings, std::chrono::seconds timeout);

/// The longest that an attempt to connect may take: connect_timeout for each host that is named, and a second. No
/// limit (0) counts as ten seconds.
std::chrono::milliseconds connect_limit(const ConnectionSettings& settings);

/// The conninfo string of `settings`, quoted; it holds the password.
std::string conninfo(const ConnectionSettings& settings);

/// "host=... port=... dbname=... user=...", for messages; never the password.
std::string describe(const ConnectionSettings& settings);

/// The error for a connection that could not be made: `configuration` when a server answered and said no
/// (credentials, database name, role, certificate), `connection_lost` when none answered or it is not ready.
base::Error connect_error(const ConnectionSettings& settings, const std::string& message);

/// Whether a server that answered said no to user or password, from the message of a connection that could not be made.
bool refuses_credentials(const std::string& message);

}  // namespace wrktalk::db
