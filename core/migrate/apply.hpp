// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/ledger.hpp"
#include "core/migrate/observer.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::migrate {

struct Limits {
  std::chrono::milliseconds wait_lock{300'000};       ///< for another runner
  std::chrono::milliseconds ddl_lock_timeout{5'000};  ///< a table is never blocked behind us for longer
  std::chrono::milliseconds statement_timeout{0};     ///< zero: none, a long index build is no fault
};

/// Runs migrations one at a time, each whole together with its ledger row or not at all. Call it under the RunnerLock,
/// which is the `pulse`. A table lock that is not granted in time and a deadlock are tried again, with growing pauses.
/// A file's own limits go before the run's.
class Applier {
 public:
  Applier(db::raw::Connection& connection, Site site, const Set& set, const Limits& limits, Observer& observer,
          base::Pulse& pulse);

  /// Applies one migration, or finishes one that was begun: what is there already is taken as done, what is half there is made
  /// anew. `forget_set` removes what the ledger says of the whole set, in the same transaction.
  /// Throws SqlError that shows the place in the file; Error(busy) when a table stayed locked.
  Done apply(const Migration& migration, bool forget_set = false);
  Done undo(const Migration& migration);

  /// `work` between BEGIN and COMMIT, in a try of its own each time.
  void in_transaction(const std::string& what, const std::function<void()>& work);

  /// Statements inside `in_transaction`, or one alone.
  std::vector<std::string> send(const std::string& sql);
  /// Writes the ledger row; inside `in_transaction`.
  void record(const Migration& migration, std::chrono::milliseconds took, const std::string& outcome);

  /// CREATE INDEX CONCURRENTLY IF NOT EXISTS; what an interrupted build left under that name is dropped first.
  void build_index(const std::string& what, const std::string& index, const std::string& sql);
  /// Drops an index that is INVALID and that nobody is building; any other stays.
  void drop_index(const std::string& what, const std::string& index);

 private:
  struct Parts {
    std::string before;  ///< sent in front of the file
    std::function<std::string(std::chrono::milliseconds took)> after;
  };
  Done run(const Migration& migration, const Script& script, const Parts& parts, const std::string& outcome);
  bool begin(const Migration& migration, const std::string& sql, const std::optional<std::string>& outcome);
  std::vector<std::string> run_inside(const Script& script, const std::string& sql, const Parts& parts);
  std::vector<std::string> run_outside(const Migration& migration, const Script& script, const std::string& sql,
                                       const Parts& parts);
  void limit_session(std::chrono::milliseconds lock_timeout, std::chrono::milliseconds statement_timeout);
  void retried(const std::string& what, const std::function<void()>& work);
  void roll_back();
  void forget_session();
  void drop_invalid(const std::string& index);
  std::string ledger_sql();

  db::raw::Connection& connection_;
  Site site_;
  const Set& set_;
  Limits limits_;
  Observer& observer_;
  base::Pulse& pulse_;
};

}  // namespace wrktalk::migrate
