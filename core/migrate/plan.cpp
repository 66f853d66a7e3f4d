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
  const Picture picture = look(connection, set, goal, pulse);
  std::vector<Planned> all;
  const Entry* last = newest(picture.entries);
  if (goal.to && last != nullptr && last->number > *goal.to) {
    for (const auto* migration : to_undo(picture.entries, 0, goal.to)) {
      all.push_back(planned("down", *migration, *migration->down));
    }
    return all;
  }
  const bool adopts = has_second_owner(set) && !picture.inspection->found.empty() && is_work(picture, set);
  if (adopts) {
    const Migration& first = set.migrations.front();
    all.push_back({"adopt", first.label, first.name, set.name + "/" + first.label + "_" + first.name + ".adopt.sql",
                   true, set.adopt_sql});
    for (const auto& index : indexes_to_build(picture.inspection->comparison)) {
      all.push_back({"adopt", first.label, first.name, all.front().file, false, index.sql + ";\n"});
    }
  }
  for (const auto* migration : picture.pending) {
    if (!adopts || migration != &set.migrations.front()) all.push_back(planned("up", *migration, migration->up));
  }
  return all;
}

}  // namespace wrktalk::migrate
