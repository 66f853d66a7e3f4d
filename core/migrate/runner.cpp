// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/runner.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/migrate/apply.hpp"
#include "core/migrate/checkpoint.hpp"
#include "core/migrate/lock.hpp"
#include "core/migrate/statements.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

bool has_second_owner(const Set& set) { return !set.adopt_sql.empty(); }

/// What is known of a database at one moment.
struct Picture {
  Site site;
  std::vector<Entry> entries;
  std::optional<Inspection> inspection;
  std::vector<const Migration*> pending;
};

Picture look(const Target& target, const Set& set, std::optional<std::int64_t> to) {
  Picture picture;
  const auto tables = tables_of(parse_catalog(set.fingerprint));
  picture.site = find_site(target.connection, tables, target.pulse);
  picture.entries = history(set, read_ledger(target.connection, picture.site, set.name, target.pulse));
  refuse_broken(picture.entries, set);
  picture.pending = pending(picture.entries, to);
  const bool is_final = picture.pending.empty() && picture.entries.back().state == State::applied;
  if (!set.fingerprint.empty() && (is_final || has_second_owner(set))) {
    picture.inspection = inspect(target.connection, picture.site, set, target.pulse);
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

std::vector<Done> apply_all(const Target& target, const Set& set, const Picture& picture, const Limits& limits,
                            Observer& observer, base::Pulse& lock) {
  Applier applier(target.connection, picture.site, set, limits.ddl_lock_timeout, observer, lock);
  std::vector<Done> done;
  if (has_second_owner(set) &&
      (!is_complete(*picture.inspection) || picture.pending.front()->number == set.migrations.front().number)) {
    done.push_back(take_over(applier, target.connection, picture.site, set, observer, lock));
  }
  for (const auto* migration : picture.pending) {
    if (done.empty() || migration->number != done.front().number) done.push_back(applier.apply(*migration));
  }
  return done;
}

RunnerLock lock_for(const Target& target, const Limits& limits, Observer& observer) {
  return RunnerLock(target.settings, target.pulse, Deadline::in(limits.wait_lock),
                    [&](const std::string& holder) { observer.waiting(holder); });
}

}  // namespace

db::raw::Connection connect(const db::ConnectionSettings& settings, Deadline wait, base::Pulse& pulse) {
  constexpr auto kPause = std::chrono::milliseconds(500);
  for (;;) {
    try {
      return db::raw::Connection(settings);
    } catch (const Error& error) {
      if (error.kind() != Kind::connection_lost || wait.passed()) throw;
    }
    base::pause(pulse, base::sooner(Deadline::in(kPause), wait));
  }
}

std::vector<Entry> status(const Target& target, const Set& set) {
  const Site site = find_site(target.connection, tables_of(parse_catalog(set.fingerprint)), target.pulse);
  return history(set, read_ledger(target.connection, site, set.name, target.pulse));
}

UpResult up(const Target& target, const Set& set, std::optional<std::int64_t> to, const Limits& limits,
            Observer& observer) {
  observer.checking();
  UpResult result;
  Picture picture = look(target, set, to);
  if (is_work(picture, set)) {
    for (const auto* migration : picture.pending) checked_sql(migration->up);
    RunnerLock lock = lock_for(target, limits, observer);
    const Target locked{target.settings, target.connection, lock};
    picture = look(locked, set, to);
    if (is_work(picture, set)) {
      result.done = apply_all(locked, set, picture, limits, observer, lock);
      picture = look(locked, set, to);
    }
  }
  for (const auto& entry : picture.entries) {
    if (entry.state == State::applied) result.newest = entry.migration;
  }
  result.inspection = std::move(picture.inspection);
  return result;
}

std::vector<Done> down(const Target& target, const Set& set, const std::vector<const Migration*>& chosen,
                       const Limits& limits, Observer& observer) {
  RunnerLock lock = lock_for(target, limits, observer);
  const Target locked{target.settings, target.connection, lock};
  const auto now = to_undo(status(locked, set), chosen.size(), std::nullopt);
  if (now != chosen) {
    throw Error(Kind::busy, "another runner has migrated set " + set.name + " meanwhile", "look at `migrate status`");
  }
  const Site site = find_site(target.connection, tables_of(parse_catalog(set.fingerprint)), lock);
  Applier applier(target.connection, site, set, limits.ddl_lock_timeout, observer, lock);
  std::vector<Done> done;
  for (const auto* migration : chosen) done.push_back(applier.undo(*migration));
  return done;
}

std::vector<TableFigures> figures(const Target& target, const Set& set) {
  const auto tables = tables_of(parse_catalog(set.fingerprint));
  const Site site = find_site(target.connection, tables, target.pulse);
  const Catalog found = read_catalog(target.connection, site.schema, tables, target.pulse);
  return table_figures(target.connection, site, tables_of(found), target.pulse);
}

}  // namespace wrktalk::migrate
