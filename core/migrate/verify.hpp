// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/catalog.hpp"
#include "core/migrate/ledger.hpp"
#include "core/migrate/migration.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a database really holds, compared with what a set's migrations make. Reads only.
namespace wrktalk::migrate {

/// The version row that migration 001 of the checkpoint set writes, and LangGraph's setup() reads.
constexpr std::int64_t kCheckpointVersion = 9;

struct Inspection {
  Catalog found;
  Comparison comparison;
  std::optional<std::int64_t> version;  ///< of the checkpoint set: the newest row of checkpoint_migrations
};

/// What the newest applied migration leaves in the catalog: built in, or as the ledger has it since then. Nothing when it was
/// never written down.
std::optional<Catalog> expected_catalog(db::raw::Connection& connection, const Site& site, const Set& set,
                                        base::Pulse& pulse);

/// Two round trips at most.
Inspection inspect(db::raw::Connection& connection, const Site& site, const Set& set, const Catalog& expected,
                   base::Pulse& pulse);
/// Of a built-in set.
Inspection inspect(db::raw::Connection& connection, const Site& site, const Set& set, base::Pulse& pulse);

struct TableFigures {
  std::string table;
  std::optional<std::int64_t> rows;  ///< empty: not known, as of a view, a foreign table, or one without statistics
  bool is_estimate = false;          ///< the rows are what the server's statistics say
  std::int64_t columns = 0;
  std::int64_t indexes = 0;
  std::int64_t size_bytes = 0;  ///< with its indexes and its toast table
};

enum class Count {
  small,  ///< tables up to some size in all; of others the statistics are asked
  all,    ///< every table, however long it takes
};

/// Of these relations, which must exist, in this order. Views, materialized views and foreign tables are not counted: that would
/// run somebody's query, or ask another server.
std::vector<TableFigures> table_figures(db::raw::Connection& connection, const Site& site,
                                        const std::vector<std::string>& tables, Count count, base::Pulse& pulse);

/// One of the checks that an operator reads.
struct Check {
  std::string name;    ///< "schema version", "migrations", "tables", "columns of checkpoints", "indexes", ...
  std::string result;  ///< "9", "4 of 4"
  std::vector<std::string> differences;
};

struct Report {
  std::string schema;
  std::optional<std::int64_t> version;
  std::vector<Check> checks;
  std::vector<std::string> warnings;
  std::vector<TableFigures> figures;
  bool is_clean() const noexcept;
};

/// Everything in one read-only snapshot. Throws Error(failed) for a folder's set that has no ledger here.
Report verify(db::raw::Connection& connection, const Set& set, Count count, base::Pulse& pulse);

/// How the checkpoint tables grow.
struct Usage {
  std::int64_t active_threads = 0;
  std::int64_t total_checkpoints = 0;
  std::int64_t checkpoints_bytes = 0;
  std::int64_t blobs_bytes = 0;
  std::int64_t writes_bytes = 0;
};
Usage usage(db::raw::Connection& connection, const Set& set, base::Pulse& pulse);

}  // namespace wrktalk::migrate
