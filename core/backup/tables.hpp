// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/dump_text.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <string>
#include <vector>

namespace wrktalk::backup {

/// What belongs together in a backup: LangGraph's tables, with the one that tells their version.
inline constexpr const char* kTables[] = {"checkpoint_migrations", "checkpoints", "checkpoint_blobs",
                                          "checkpoint_writes"};
/// Whose rows say where the other tables stand; not an application's data.
inline constexpr const char* kVersionTable = "checkpoint_migrations";

struct Tables {
  std::string schema;              ///< quoted where it must be; empty when none is there
  std::vector<std::string> there;  ///< as the search path finds them
  std::vector<std::string> absent;
};

/// Throws Error(configuration) when they lie in more than one schema.
Tables find_tables(db::raw::Connection& connection, base::Pulse& pulse);

/// Counts every row of those that are there, in the transaction that is open, if one is.
Rows count_rows(db::raw::Connection& connection, const Tables& tables, base::Pulse& pulse);

/// "checkpoints 12, checkpoint_blobs 30"
std::string to_text(const Rows& rows);

}  // namespace wrktalk::backup
