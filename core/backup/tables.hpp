// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/dump_text.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <set>
#include <string>
#include <vector>

namespace wrktalk::backup {

/// What belongs together: the tables of LangGraph's checkpoints, and those of its store, which an application may have besides.
enum class Part { checkpoint, store };
using Parts = std::set<Part>;

struct KnownTable {
  const char* name;
  Part part;
  bool optional = false;    ///< the store's vectors: only where they are used
  bool is_version = false;  ///< its rows say where the other tables stand; not an application's data
};
inline constexpr KnownTable kTables[] = {
    {"checkpoint_migrations", Part::checkpoint, false, true},
    {"checkpoints", Part::checkpoint},
    {"checkpoint_blobs", Part::checkpoint},
    {"checkpoint_writes", Part::checkpoint},
    {"store_migrations", Part::store, false, true},
    {"store", Part::store},
    {"vector_migrations", Part::store, true, true},
    {"store_vectors", Part::store, true},
};

/// "checkpoint,store". Throws Error(usage).
Parts parse_parts(const std::string& text);
/// The parts that a backup with these rows has.
Parts parts_of(const Rows& rows);

struct Tables {
  std::string schema;               ///< quoted where it must be; empty when none is there
  std::vector<std::string> there;   ///< as the search path finds them
  std::vector<std::string> absent;  ///< but for optional ones
};

/// Throws Error(configuration) when they lie in more than one schema.
Tables find_tables(db::raw::Connection& connection, const Parts& parts, base::Pulse& pulse);

/// Counts every row of those that are there, in the transaction that is open, if one is.
Rows count_rows(db::raw::Connection& connection, const Tables& tables, base::Pulse& pulse);

/// "checkpoints 12, checkpoint_blobs 30"
std::string to_text(const Rows& rows);

}  // namespace wrktalk::backup
