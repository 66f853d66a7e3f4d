// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/history.hpp"
#include "core/migrate/observer.hpp"
#include "core/migrate/verify.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace wrktalk::migrate {

struct Limits {
  std::chrono::milliseconds wait_lock{300'000};       ///< for another runner
  std::chrono::milliseconds ddl_lock_timeout{5'000};  ///< a table is never blocked behind us for longer
};

/// The database that is migrated.
struct Target {
  const db::ConnectionSettings& settings;  ///< to open the connection that holds the lock
  db::raw::Connection& connection;
  base::Pulse& pulse;
};

/// Waits until a server answers there, until `wait` has passed; a refusal (wrong password) ends the waiting at once.
db::raw::Connection connect(const db::ConnectionSettings& settings, base::Deadline wait, base::Pulse& pulse);

/// The ledger against the files. Takes no lock.
std::vector<Entry> status(const Target& target, const Set& set);

struct UpResult {
  std::vector<Done> done;                ///< empty: there was nothing to do
  const Migration* newest = nullptr;     ///< the last one that is applied now; points into the set
  std::optional<Inspection> inspection;  ///< of an embedded set with nothing pending, after the run
};

/// Applies what is pending, up to number `to`. One connection and no lock when there is nothing to do.
/// Refuses before anything runs what `refuse_broken` and `checked_sql` refuse. A migration that fails leaves the ones
/// before it applied.
UpResult up(const Target& target, const Set& set, std::optional<std::int64_t> to, const Limits& limits,
            Observer& observer);

/// Undoes these migrations, in this order. Throws Error(busy) when the ledger has changed since they were chosen.
std::vector<Done> down(const Target& target, const Set& set, const std::vector<const Migration*>& chosen,
                       const Limits& limits, Observer& observer);

/// Rows and sizes of the set's tables: what `down` would lose. Empty for a folder's set.
std::vector<TableFigures> figures(const Target& target, const Set& set);

}  // namespace wrktalk::migrate
