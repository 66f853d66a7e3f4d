// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/migration.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

/// wrktalk_migration: what was applied, when, by whom, how long it took and how it ended.
namespace wrktalk::migrate {

/// Where a set's tables lie, or will.
struct Site {
  std::string schema;
  bool has_ledger = false;
};

/// The schema of the first of `tables` that the search path finds, else of the ledger, else the one that CREATE TABLE uses.
/// That schema stands first in the session's search path from now on. Throws Error(configuration) when there is none.
Site find_site(db::raw::Connection& connection, const std::vector<std::string>& tables, base::Pulse& pulse);

struct LedgerRow {
  std::int64_t number = 0;
  std::string name;
  std::string checksum;
  std::string applied_at;  ///< UTC, ISO 8601
  std::string applied_by;  ///< role@machine
  std::chrono::milliseconds took{0};
  std::string outcome;  ///< applied or adopted
};

/// In the order of their numbers; nothing when there is no ledger.
std::vector<LedgerRow> read_ledger(db::raw::Connection& connection, const Site& site, const std::string& set,
                                   base::Pulse& pulse);

// The statements that change it, each for use inside a migration's own transaction.
std::string create_ledger_sql(const Site& site);
std::string record_sql(const Site& site, const std::string& set, const Migration& migration,
                       std::chrono::milliseconds took, const std::string& outcome, const std::string& fingerprint);
std::string forget_sql(const Site& site, const std::string& set, const Migration& migration);
std::string forget_set_sql(const Site& site, const std::string& set);

}  // namespace wrktalk::migrate
