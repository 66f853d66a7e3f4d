// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/plan.hpp"

#include "core/migrate/indexes.hpp"
#include "core/migrate/statements.hpp"

namespace wrktalk::migrate {
namespace {

Planned planned(const std::string& direction, const Migration& migration, const Script& script) {
  return {direction, migration.label, migration.name, script.file, script.transactional, checked_sql(script)};
}

}  // namespace

std::vector<Planned> plan(db::raw::Connection& connection, const Set& set, const Goal& goal, base::Pulse& pulse) {
  const MigrationState state = read_state(connection, set, goal, pulse);
  std::vector<Planned> all;
  const Entry* last = newest(state.entries);
  if (goal.to && last != nullptr && last->number > *goal.to) {
    for (const auto* migration : to_undo(state.entries, 0, goal.to)) {
      all.push_back(planned("down", *migration, *migration->down));
    }
    return all;
  }
  const bool adopts = has_second_owner(set) && !state.inspection->found.empty() && is_work(state, set);
  if (adopts) {
    const Migration& first = set.migrations.front();
    all.push_back({"adopt", first.label, first.name, set.name + "/" + first.label + "_" + first.name + ".adopt.sql",
                   true, set.adopt_sql});
    for (const auto& index : indexes_to_build(state.inspection->comparison)) {
      all.push_back({"adopt", first.label, first.name, all.front().file, false, index.sql + ";\n"});
    }
  }
  for (const auto* migration : state.pending) {
    if (!adopts || migration != &set.migrations.front()) all.push_back(planned("up", *migration, migration->up));
  }
  return all;
}

}  // namespace wrktalk::migrate
