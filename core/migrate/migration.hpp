// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/script.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::migrate {

struct Migration {
  std::int64_t number = 0;
  std::string label;  ///< the number as the file writes it: "001"
  std::string name;   ///< "create_checkpointer_tables"
  std::string title;  ///< the text of a line "-- Migration 001: TEXT", else the name in words
  Script up;
  std::optional<Script> down;
  std::string checksum;  ///< of `up`; line endings, trailing blanks and empty lines at the end do not change it
};

/// Migrations in the order of their numbers.
struct Set {
  std::string name;  ///< in the ledger: "checkpoint", "agent", or what the user calls the folder's set
  std::vector<Migration> migrations;
  std::string adopt_sql;    ///< completes what another program made; empty when the files themselves do
  std::string fingerprint;  ///< what the newest migration leaves in the catalog (`parse_catalog`); empty for a folder
  std::string
      owner_of;  ///< the table whose owner owns all tables and functions of the set; empty: they may have several

  const Migration* find(std::int64_t number) const noexcept;
};

/// "checkpoint" or "agent". Throws Error(usage) for any other name.
Set embedded_set(const std::string& name);

/// A number of so many digits or more is a timestamp.
constexpr std::size_t kTimestampDigits = 8;

/// The NNN_name.up.sql and NNN_name.down.sql of a folder; other files are left alone. Throws Error(failed) naming the
/// files for a duplicate number, a gap between numbers that are no timestamps, a down file without its up file, two names
/// for one number, or a name that looks like a migration's and is none (abc_x.up.sql, 001_x.sql).
std::vector<Migration> read_migrations(const std::string& directory);

/// The same of files that were read already: their texts by their names, which messages put behind `directory`.
std::vector<Migration> make_migrations(const std::string& directory, std::map<std::string, std::string> texts);

/// The folder's migrations as a set. Throws as `read_migrations`, and Error(failed) when there is none.
Set read_set(const std::string& directory, const std::string& name);

/// A number with leading zeros, as labels have them.
std::string padded(std::int64_t number, std::size_t digits);

/// The label that a migration of the set would have.
std::string label_of(const Set& set, std::int64_t number);

/// SHA-256 of the text without what an editor or a checkout changes.
std::string checksum(std::string_view sql);

}  // namespace wrktalk::migrate
