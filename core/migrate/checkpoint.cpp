// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/checkpoint.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/migrate/indexes.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr int kTries = 20;

bool collided(const std::string& sqlstate) {
  return sqlstate == "23505" || sqlstate == "42P07" || sqlstate == "42710" || sqlstate == "42701";
}

bool is_shadow(const Difference& difference) { return difference.item.kind == "search path"; }

bool is_shape(const Difference& difference) {
  return difference.item.kind == "table" || difference.item.kind == "column";
}

void refuse(const std::vector<Difference>& differences) {
  if (differences.empty()) return;
  std::vector<std::string> texts;
  for (const auto& difference : differences) texts.push_back(difference.text());
  throw Error(Kind::difference, "the checkpoint tables cannot be completed: " + base::join(texts, "; "),
              "repair these by hand, or restore a backup; `wrktalk verify` shows all of them");
}

Done adopt(Applier& applier, db::raw::Connection& connection, const Site& site, const Set& set, Inspection inspection,
           Observer& observer, base::Pulse& pulse) {
  const Migration& first = set.migrations.front();
  const auto start = base::BootClock::now();
  const auto took = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(base::BootClock::now() - start);
  };
  observer.adopting(first, inspection.comparison.differences);

  const auto& differences = inspection.comparison.differences;
  // Completing one set of tables would leave the other's rows out of LangGraph's sight.
  if (std::any_of(differences.begin(), differences.end(), is_shadow)) refuse(differences);
  if (std::any_of(differences.begin(), differences.end(), is_shape)) {
    const auto tables = tables_of(inspection.found);
    const bool is_locked = std::find(tables.begin(), tables.end(), "checkpoint_migrations") != tables.end();
    applier.in_transaction(first.up.file, [&] {
      // setup() reads its version from this table first: one that starts now waits until we are done.
      if (is_locked) applier.send("LOCK TABLE checkpoint_migrations IN ACCESS EXCLUSIVE MODE");
      applier.send("SET LOCAL client_min_messages = warning; " + set.adopt_sql);
    });
    inspection = inspect(connection, site, set, pulse);
  }
  for (const auto& index : indexes_to_build(inspection.comparison)) {
    applier.build_index(first.up.file, index.name, index.sql);
  }

  applier.in_transaction(first.up.file, [&] {
    applier.send(
        "LOCK TABLE checkpoint_migrations IN SHARE ROW EXCLUSIVE MODE; "
        "INSERT INTO checkpoint_migrations (v) SELECT v FROM generate_series("
        "(SELECT coalesce(max(v) + 1, 0) FROM checkpoint_migrations), " +
        std::to_string(kCheckpointVersion) + ") AS v");
    inspection = inspect(connection, site, set, pulse);
    refuse(inspection.comparison.differences);
    applier.record(first, took(), "adopted");
  });
  Done done{first.number, first.label, first.name, "adopted", took()};
  observer.done(first, done);
  return done;
}

}  // namespace

bool is_complete(const Inspection& inspection) noexcept {
  return inspection.comparison.differences.empty() && inspection.version.value_or(-1) >= kCheckpointVersion;
}

Done take_over(Applier& applier, db::raw::Connection& connection, const Site& site, const Set& set, Observer& observer,
               base::Pulse& pulse) {
  for (int tries = 1;; ++tries) {
    Inspection inspection = inspect(connection, site, set, pulse);
    try {
      if (inspection.found.empty()) return applier.apply(set.migrations.front(), site.has_ledger);
      return adopt(applier, connection, site, set, std::move(inspection), observer, pulse);
    } catch (const db::SqlError& error) {
      if (!collided(error.sqlstate()) || tries == kTries) throw;
      observer.retrying(error.what(), std::chrono::milliseconds::zero());
    }
  }
}

}  // namespace wrktalk::migrate
