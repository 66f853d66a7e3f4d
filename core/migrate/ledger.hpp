// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/migration.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// wrktalk_migration: what was applied, when, by whom, how long it took, how it ended, which tables it was about, and what the
/// catalog said of the set's tables after the run.
namespace wrktalk::migrate {

/// "other." of a table's name as the ledger keeps it; empty for one of the site's schema.
std::string schema_of(const std::string& table);

/// Where a set's tables lie, or will.
struct Site {
  std::string schema;  ///< empty: each table's is what the search path says
  bool has_ledger = false;
  bool is_current = true;  ///< the schema is where CREATE TABLE puts tables by itself

  /// "app.wrktalk_migration"
  std::string qualified(const std::string& table) const;
  /// The same of a name as the ledger keeps it, which is quoted and may have a schema.
  std::string named(const std::string& table) const;
  /// A statement that puts the schema first, for the transaction or for the session; empty when it is there anyway.
  std::string search_path_sql(bool for_transaction) const;
};

/// The schema of the first of `tables` that the search path finds, else of the ledger, else the one that CREATE TABLE uses.
/// Throws Error(configuration) when there is none.
Site find_site(db::raw::Connection& connection, const std::vector<std::string>& tables, base::Pulse& pulse);

struct LedgerRow {
  std::int64_t number = 0;
  std::string name;
  std::string checksum;
  std::string applied_at;  ///< UTC, ISO 8601
  std::string applied_by;  ///< role@machine
  std::chrono::milliseconds took{0};
  std::string outcome;              ///< applied, adopted, recorded or begun
  std::vector<std::string> tables;  ///< that it made or changed: "t", or "other.t" outside of the site's schema
  bool is_sealed = false;           ///< a fingerprint is there

  /// A file outside a transaction was begun, or its undoing, and nobody wrote down how that ended.
  bool is_begun() const noexcept { return outcome == "begun"; }
};

/// In the order of their numbers; nothing when there is no ledger.
std::vector<LedgerRow> read_ledger(db::raw::Connection& connection, const Site& site, const std::string& set,
                                   base::Pulse& pulse);

/// What the row of this migration says; nothing when there is none. The ledger must be there.
std::optional<std::string> read_outcome(db::raw::Connection& connection, const Site& site, const std::string& set,
                                        const Migration& migration, base::Pulse& pulse);

/// The number of the newest migration that is applied for sure; 0: none.
std::int64_t newest_applied(const std::vector<LedgerRow>& ledger) noexcept;

/// The fingerprint after the newest migration (`parse_catalog`); nothing when there is none.
std::optional<std::string> read_fingerprint(db::raw::Connection& connection, const Site& site, const std::string& set,
                                            base::Pulse& pulse);

// The statements that change it, each for use inside a migration's own transaction.
std::string create_ledger_sql(const Site& site);
/// `tables_sql` is an expression of type text[], such as the two that follow. The fingerprint of a later migration, if any, is
/// no longer true and goes.
std::string record_sql(const Site& site, const std::string& set, const Migration& migration,
                       std::chrono::milliseconds took, const std::string& outcome, const std::string& tables_sql);
/// Before a file runs outside a transaction, up or down: its row, made if need be, is `begun`.
std::string begin_sql(const Site& site, const std::string& set, const Migration& migration);
/// When it has failed: as it was before, `outcome` or no row.
std::string unbegin_sql(const Site& site, const std::string& set, const Migration& migration,
                        const std::optional<std::string>& outcome);
/// Tables that the open transaction has locked as DDL does, so made or changed.
std::string locked_tables_sql(const Site& site);
std::string table_of_index_sql(const Site& site, const std::string& index);
/// Puts the fingerprint to the newest row.
std::string seal_sql(const Site& site, const std::string& set, const std::string& fingerprint);
std::string accept_sql(const Site& site, const std::string& set, const Migration& migration);
std::string forget_sql(const Site& site, const std::string& set, const Migration& migration);
std::string forget_set_sql(const Site& site, const std::string& set);

}  // namespace wrktalk::migrate
