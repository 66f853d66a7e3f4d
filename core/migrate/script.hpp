// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace wrktalk::migrate {

/// One SQL file.
struct Script {
  std::string file;  ///< as messages name it: "checkpoint/001_x.up.sql", "db/002_y.up.sql"
  std::string sql;
  bool transactional = true;                              ///< false: it holds one statement and runs as that alone
  std::optional<std::chrono::milliseconds> lock_timeout;  ///< instead of the run's; zero: none
  std::optional<std::chrono::milliseconds> statement_timeout;
  bool incompatible = false;  ///< releases that are older than it do not run on what it leaves
};

/// A file's content as a script. Lines "-- wrktalk: WORD..." among the comments at its top may say `no-transaction`,
/// `incompatible`, `lock-timeout=5s` and `statement-timeout=10m`. A file that holds nothing but one statement which PostgreSQL never runs in a
/// transaction (CREATE INDEX CONCURRENTLY, VACUUM, ...) needs no mark. Throws Error(failed) with file and line for a word
/// that is none of these, and for a NUL byte.
Script make_script(const std::string& file, std::string content);

}  // namespace wrktalk::migrate
