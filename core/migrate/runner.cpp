// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/runner.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"
#include "core/migrate/checkpoint.hpp"
#include "core/migrate/lock.hpp"
#include "core/migrate/statements.hpp"

#include <algorithm>
#include <functional>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

std::vector<Done> apply_all(const Target& target, const Set& set, const MigrationState& state, const Limits& limits,
                            Observer& observer) {
  base::Pulse& lock = target.pulse;
  Applier applier(target.connection, state.site, set, limits, observer, lock);
  std::vector<Done> done;
  if (has_second_owner(set) &&
      (!is_complete(*state.inspection) || state.pending.front()->number == set.migrations.front().number)) {
    done.push_back(take_over(applier, target.connection, state.site, set, observer, lock));
  }
  for (const auto* migration : state.pending) {
    if (done.empty() || migration->number != done.front().number) done.push_back(applier.apply(*migration));
  }
  return done;
}

/// Writes down what the catalog says of the set's tables, unless that was done when the newest migration was applied. A
/// built-in set brings its own fingerprint.
void seal(const Target& target, const Set& set) {
  if (!set.fingerprint.empty()) return;
  const MigrationState state = survey(target.connection, set, target.pulse);
  if (!is_unsealed(state, set)) return;
  const Catalog catalog = read_catalog(target.connection, state.site.schema, tables_of(state, set), target.pulse);
  target.connection.script(seal_sql(state.site, set.name, catalog_text(catalog)), target.pulse, Deadline::never());
}

/// `work`, and whether it failed half-way or not, what it has left.
void then_sealed(const Target& target, const Set& set, const std::function<void()>& work) {
  try {
    work();
  } catch (const db::SqlError&) {
    if (target.connection.alive()) seal(target, set);
    throw;
  }
  seal(target, set);
}

RunnerLock lock_for(const Target& target, const Limits& limits, Observer& observer) {
  return RunnerLock(target.settings, target.pulse, Deadline::in(limits.wait_lock),
                    [&](const std::string& holder) { observer.waiting(holder); });
}

}  // namespace

db::raw::Connection connect(const db::ConnectionSettings& settings, Deadline wait, base::Pulse& pulse) {
  constexpr auto kPause = std::chrono::milliseconds(500);
  for (bool told = false;;) {
    try {
      return db::raw::Connection(settings);
    } catch (const Error& error) {
      if (error.kind() != Kind::connection_lost || wait.passed()) throw;
      if (!told) log::info("database.waiting", error.what());
      told = true;
    }
    base::pause(pulse, base::sooner(Deadline::in(kPause), wait));
  }
}

bool Status::is_clean() const noexcept {
  return invalid.empty() &&
         std::all_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.state == State::applied; });
}

Status status(const Target& target, const Set& set) {
  MigrationState state = survey(target.connection, set, target.pulse);
  auto invalid = invalid_indexes(target.connection, state.site, set, tables_of(state, set), target.pulse);
  return {std::move(state.entries), std::move(invalid)};
}

UpResult up(const Target& target, const Set& set, const Goal& goal, const Limits& limits, Observer& observer) {
  observer.checking();
  UpResult result;
  MigrationState state = read_state(target.connection, set, goal, target.pulse);
  if (is_work(state, set) || is_unsealed(state, set)) {
    for (const auto* migration : state.pending) checked_sql(migration->up);
    RunnerLock lock = lock_for(target, limits, observer);
    const Target locked{target.settings, target.connection, lock};
    state = read_state(target.connection, set, goal, lock);
    if (is_work(state, set) || is_unsealed(state, set)) {
      then_sealed(locked, set, [&] { result.done = apply_all(locked, set, state, limits, observer); });
      state = read_state(target.connection, set, goal, lock);
    }
  }
  if (const Entry* last = newest(state.entries)) result.newest = last->migration;
  result.inspection = std::move(state.inspection);
  return result;
}

std::vector<Done> down(const Target& target, const Set& set, const std::vector<const Migration*>& chosen,
                       const Limits& limits, Observer& observer) {
  RunnerLock lock = lock_for(target, limits, observer);
  const Target locked{target.settings, target.connection, lock};
  const MigrationState state = survey(target.connection, set, lock);
  if (to_undo(state.entries, chosen.size(), std::nullopt) != chosen) {
    throw Error(Kind::busy, "another runner has migrated set " + set.name + " meanwhile", "look at `migrate status`");
  }
  Applier applier(target.connection, state.site, set, limits, observer, lock);
  std::vector<Done> done;
  then_sealed(locked, set, [&] {
    for (const auto* migration : chosen) done.push_back(applier.undo(*migration));
  });
  return done;
}

std::vector<Done> baseline(const Target& target, const Set& set, std::optional<std::int64_t> to, const Limits& limits,
                           Observer& observer) {
  if (!set.fingerprint.empty()) {
    throw Error(Kind::usage, "set " + set.name + " needs no baseline: it adopts the tables that are there",
                "run `wrktalk migrate up --set " + set.name + "`");
  }
  RunnerLock lock = lock_for(target, limits, observer);
  const MigrationState state = read_state(target.connection, set, {to, Late::refused}, lock);
  Applier applier(target.connection, state.site, set, limits, observer, lock);
  std::vector<Done> done;
  applier.in_transaction("set " + set.name, [&] {
    done.clear();
    for (const auto* migration : state.pending) {
      applier.record(*migration, {}, "recorded");
      done.push_back({migration->number, migration->label, migration->name, "recorded", {}});
    }
  });
  for (std::size_t i = 0; i < done.size(); ++i) observer.done(*state.pending[i], done[i]);
  if (!done.empty()) seal({target.settings, target.connection, lock}, set);
  return done;
}

Repaired repair(const Target& target, const Set& set, bool accept_changed, const Limits& limits, Observer& observer) {
  RunnerLock lock = lock_for(target, limits, observer);
  MigrationState state = survey(target.connection, set, lock);
  Applier applier(target.connection, state.site, set, limits, observer, lock);
  const std::string what = "set " + set.name;
  Repaired repaired;
  for (const auto& entry : state.entries) {
    if (entry.state == State::begun) repaired.finished.push_back(applier.apply(*entry.migration));
  }
  if (!repaired.finished.empty()) {
    seal({target.settings, target.connection, lock}, set);
    state = survey(target.connection, set, lock);
  }
  if (const auto expected = expected_catalog(target.connection, state.site, set, lock)) {
    const Inspection inspection = inspect(target.connection, state.site, set, *expected, lock);
    for (const auto& index : indexes_to_build(inspection.comparison)) {
      applier.build_index(what, index.name, index.sql);
      repaired.indexes.push_back(index.name);
    }
  }
  for (const auto& index : invalid_indexes(target.connection, state.site, set, tables_of(state, set), lock)) {
    rebuild(applier, what, index);
    repaired.indexes.push_back(index.name);
  }
  for (const auto& entry : state.entries) {
    if (!accept_changed || entry.state != State::changed) continue;
    applier.send(accept_sql(state.site, set.name, *entry.migration));
    repaired.files.push_back(entry.migration->up.file);
  }
  return repaired;
}

std::vector<TableFigures> figures(const Target& target, const Set& set, const std::vector<const Migration*>& chosen) {
  MigrationState state = survey(target.connection, set, target.pulse);
  auto& entries = state.entries;
  const auto is_kept = [&](const Entry& entry) {
    return std::find(chosen.begin(), chosen.end(), entry.migration) == chosen.end();
  };
  entries.erase(std::remove_if(entries.begin(), entries.end(), is_kept), entries.end());
  // Adopted tables are in no row.
  const auto in_ledger = tables_of(entries);
  const auto tables = in_ledger.empty() ? tables_of(parse_catalog(set.fingerprint)) : in_ledger;
  const Catalog found = read_catalog(target.connection, state.site.schema, tables, target.pulse);
  return table_figures(target.connection, state.site, tables_of(found), Count::all, target.pulse);
}

}  // namespace wrktalk::migrate
