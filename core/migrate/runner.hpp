// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/apply.hpp"
#include "core/migrate/history.hpp"
#include "core/migrate/indexes.hpp"
#include "core/migrate/migration_state.hpp"
#include "core/migrate/observer.hpp"
#include "core/migrate/verify.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace wrktalk::migrate {

/// The database that is migrated.
struct Target {
  const db::ConnectionSettings& settings;  ///< to open the connection that holds the lock
  db::raw::Connection& connection;
  base::Pulse& pulse;
};

/// Waits until a server answers there, until `wait` has passed; a refusal (wrong password) ends the waiting at once.
db::raw::Connection connect(const db::ConnectionSettings& settings, base::Deadline wait, base::Pulse& pulse);

struct Status {
  std::vector<Entry> entries;
  std::vector<InvalidIndex> invalid;
  bool is_clean() const noexcept;
};

/// The ledger against the files, and indexes that are INVALID. Takes no lock.
Status status(const Target& target, const Set& set);

struct UpResult {
  std::vector<Done> done;                ///< empty: there was nothing to do
  const Migration* newest = nullptr;     ///< the last one that is applied now; points into the set
  std::optional<Inspection> inspection;  ///< of an embedded set with nothing pending, after the run
};

/// Applies what is pending. One connection and no lock when there is nothing to do.
/// Refuses before anything runs what `refuse_broken` and `checked_sql` refuse. A migration that fails leaves the ones
/// before it applied.
UpResult up(const Target& target, const Set& set, const Goal& goal, const Limits& limits, Observer& observer);

/// Undoes these migrations, in this order. Throws Error(busy) when the ledger has changed since they were chosen.
std::vector<Done> down(const Target& target, const Set& set, const std::vector<const Migration*>& chosen,
                       const Limits& limits, Observer& observer);

/// Writes pending migrations into the ledger without running them, up to number `to`: what they make is there already.
/// Throws Error(usage) for a built-in set, which finds out by itself.
std::vector<Done> baseline(const Target& target, const Set& set, std::optional<std::int64_t> to, const Limits& limits,
                           Observer& observer);

struct Repaired {
  std::vector<std::string> indexes;  ///< built anew, or dropped when they were left over from a REINDEX
  std::vector<std::string> files;    ///< whose change was accepted
  std::vector<Done> finished;        ///< that were begun
};

/// Finishes migrations that were begun, as `up` does. Builds indexes that are missing or INVALID. `accept_changed`: the ledger takes the checksums of applied files as they are
/// now. Throws Error(failed) for an index that must be seen to by hand.
Repaired repair(const Target& target, const Set& set, bool accept_changed, const Limits& limits, Observer& observer);

/// Rows and sizes of the tables that these migrations were about: what `down` would lose.
std::vector<TableFigures> figures(const Target& target, const Set& set, const std::vector<const Migration*>& chosen);

}  // namespace wrktalk::migrate
