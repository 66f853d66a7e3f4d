// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/picture.hpp"

#include "core/migrate/checkpoint.hpp"

#include <set>

namespace wrktalk::migrate {

bool has_second_owner(const Set& set) noexcept { return !set.adopt_sql.empty(); }

Picture survey(db::raw::Connection& connection, const Set& set, base::Pulse& pulse) {
  Picture picture;
  picture.site = find_site(connection, tables_of(parse_catalog(set.fingerprint)), pulse);
  picture.entries = history(set, read_ledger(connection, picture.site, set.name, pulse));
  return picture;
}

Picture look(db::raw::Connection& connection, const Set& set, const Goal& goal, base::Pulse& pulse) {
  Picture picture = survey(connection, set, pulse);
  refuse_broken(picture.entries, set, goal.late);
  if (goal.to) refuse_unknown_number(picture.entries, *goal.to);
  picture.pending = pending(picture.entries, goal.to);
  const bool is_final = picture.pending.empty() && picture.entries.back().state == State::applied;
  if (!set.fingerprint.empty() && (is_final || has_second_owner(set))) {
    picture.inspection = inspect(connection, picture.site, set, pulse);
  }
  if (has_second_owner(set) && picture.inspection->found.empty()) {
    // Whatever the ledger says, the tables are gone: all of it is to be done again.
    picture.pending.clear();
    for (const auto& migration : set.migrations) picture.pending.push_back(&migration);
  }
  return picture;
}

bool is_work(const Picture& picture, const Set& set) {
  return !picture.pending.empty() || (has_second_owner(set) && !is_complete(*picture.inspection));
}

bool is_unsealed(const Picture& picture, const Set& set) noexcept {
  const Entry* last = newest(picture.entries);
  return set.fingerprint.empty() && last != nullptr && !last->row->is_sealed;
}

std::vector<std::string> tables_of(const std::vector<Entry>& entries) {
  std::set<std::string> tables;
  for (const auto& entry : entries) {
    if (entry.row) tables.insert(entry.row->tables.begin(), entry.row->tables.end());
  }
  return {tables.begin(), tables.end()};
}

std::vector<std::string> tables_of(const Picture& picture, const Set& set) {
  return set.fingerprint.empty() ? tables_of(picture.entries) : tables_of(parse_catalog(set.fingerprint));
}

}  // namespace wrktalk::migrate
