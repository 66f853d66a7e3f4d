// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/apply.hpp"
#include "core/migrate/catalog.hpp"
#include "core/migrate/ledger.hpp"
#include "core/migrate/migration.hpp"

#include <string>
#include <vector>

/// Indexes that CREATE INDEX CONCURRENTLY left INVALID when it was interrupted: they cost each write and serve no query, and
/// IF NOT EXISTS takes them for good ones.
namespace wrktalk::migrate {

struct InvalidIndex {
  std::string name;        ///< quoted, with its schema where the search path does not find it
  std::string table;       ///< likewise
  std::string definition;  ///< CREATE INDEX ...
  bool is_partitioned = false;
  bool is_building = false;  ///< a session is at it right now
};

/// Those of `tables` (names as the ledger keeps them), and those that a no-transaction file of the set makes.
std::vector<InvalidIndex> invalid_indexes(db::raw::Connection& connection, const Site& site, const Set& set,
                                          const std::vector<std::string>& tables, base::Pulse& pulse);

/// An index that is expected, and missing or INVALID.
struct ExpectedIndex {
  std::string name;  ///< quoted, with its schema unless that is the site's
  std::string sql;   ///< CREATE INDEX CONCURRENTLY IF NOT EXISTS ...
};
std::vector<ExpectedIndex> indexes_to_build(const Comparison& comparison);

/// What is done about an index that is INVALID: built anew by its own definition, or, when it is what an interrupted
/// REINDEX CONCURRENTLY left beside the real one, dropped. Throws Error(failed) for one of a partitioned table.
void rebuild(Applier& applier, const std::string& what, const InvalidIndex& index);

}  // namespace wrktalk::migrate
