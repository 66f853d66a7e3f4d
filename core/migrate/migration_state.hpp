// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/history.hpp"
#include "core/migrate/ledger.hpp"
#include "core/migrate/verify.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace wrktalk::migrate {

/// What `up` is asked for.
struct Goal {
  std::optional<std::int64_t> to;  ///< apply none beyond this number
  Late late = Late::refused;
};

/// What is known of a database at one moment.
struct MigrationState {
  Site site;
  std::vector<Entry> entries;
  std::optional<Inspection> inspection;  ///< of a built-in set, when it can be judged
  std::vector<const Migration*> pending;
};

/// Ledger and files side by side, whatever state they are in. Reads only, two round trips.
MigrationState survey(db::raw::Connection& connection, const Set& set, base::Pulse& pulse);

/// The same and what is to be done. Throws what `refuse_broken` and `refuse_unknown_number` throw.
MigrationState read_state(db::raw::Connection& connection, const Set& set, const Goal& goal, base::Pulse& pulse);

/// The tables have a second owner, LangGraph's setup(): the catalog decides, not the ledger.
bool has_second_owner(const Set& set) noexcept;

/// Files are to be applied, or tables to be completed.
bool is_work(const MigrationState& state, const Set& set);

/// The run that applied the newest migration did not come to write down what the catalog says since.
bool is_unsealed(const MigrationState& state, const Set& set) noexcept;

/// The set's tables: of a built-in one those that it makes, else those of the applied migrations as the ledger names them.
std::vector<std::string> tables_of(const MigrationState& state, const Set& set);
/// Those of these migrations alone.
std::vector<std::string> tables_of(const std::vector<Entry>& entries);

}  // namespace wrktalk::migrate
