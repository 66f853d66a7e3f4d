// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/migration_state.hpp"

#include "core/migrate/checkpoint.hpp"

#include <set>

namespace wrktalk::migrate {

bool has_second_owner(const Set& set) noexcept { return !set.adopt_sql.empty(); }

MigrationState survey(db::raw::Connection& connection, const Set& set, base::Pulse& pulse) {
  MigrationState state;
  state.site = find_site(connection, tables_of(parse_catalog(set.fingerprint)), pulse);
  state.entries = history(set, read_ledger(connection, state.site, set.name, pulse));
  return state;
}

MigrationState read_state(db::raw::Connection& connection, const Set& set, const Goal& goal, base::Pulse& pulse) {
  MigrationState state = survey(connection, set, pulse);
  refuse_broken(state.entries, set, goal.late);
  if (goal.to) refuse_unknown_number(state.entries, *goal.to);
  state.pending = pending(state.entries, goal.to);
  const bool is_final = state.pending.empty() && state.entries.back().state == State::applied;
  if (!set.fingerprint.empty() && (is_final || has_second_owner(set))) {
    state.inspection = inspect(connection, state.site, set, pulse);
  }
  if (has_second_owner(set) && state.inspection->found.empty()) {
    // Whatever the ledger says, the tables are gone: all of it is to be done again.
    state.pending.clear();
    for (const auto& migration : set.migrations) state.pending.push_back(&migration);
  }
  return state;
}

bool is_work(const MigrationState& state, const Set& set) {
  return !state.pending.empty() || (has_second_owner(set) && !is_complete(*state.inspection));
}

bool is_unsealed(const MigrationState& state, const Set& set) noexcept {
  const Entry* last = newest(state.entries);
  return set.fingerprint.empty() && last != nullptr && !last->row->is_sealed;
}

std::vector<std::string> tables_of(const std::vector<Entry>& entries) {
  std::set<std::string> tables;
  for (const auto& entry : entries) {
    if (entry.row) tables.insert(entry.row->tables.begin(), entry.row->tables.end());
  }
  return {tables.begin(), tables.end()};
}

std::vector<std::string> tables_of(const MigrationState& state, const Set& set) {
  return set.fingerprint.empty() ? tables_of(state.entries) : tables_of(parse_catalog(set.fingerprint));
}

}  // namespace wrktalk::migrate
