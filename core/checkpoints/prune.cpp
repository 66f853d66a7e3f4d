// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoints/prune.hpp"

#include "core/base/error.hpp"
#include "core/checkpoints/sql.hpp"
#include "core/db/session.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::checkpoints {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using Params = std::vector<std::optional<std::string>>;

constexpr const char* kThreadsAtOnce = "100";
constexpr int kTries = 5;
constexpr std::chrono::milliseconds kRetryPause{200};

/// Some checkpoints of one namespace.
struct Batch {
  std::string checkpoint_ns;
  std::vector<std::string> ids;
};

/// One run over the tables.
class Run {
 public:
  Run(db::raw::Connection& connection, const Rule& rule, base::Pulse& pulse)
      : db_(connection), rule_(rule), pulse_(pulse) {
    need_tables();
    if (rule.older_than) cutoff_ = time_before(*rule.older_than);
  }

  template <typename Act>
  void each_thread(Act act) {
    if (rule_.thread) {
      act(*rule_.thread);
      return;
    }
    std::optional<std::string> last;
    for (;;) {
      const auto threads = ask(sql::threads, {last, kThreadsAtOnce});
      if (threads.rows.empty()) return;
      for (const auto& row : threads.rows) act(*row[0]);
      last = threads.rows.back()[0];
    }
  }

  /// What goes, in batches of at most `size` of one namespace each; nothing for a thread with a DeltaChannel, which is counted.
  std::vector<Batch> doomed(const std::string& thread, std::int64_t size, Counts& counts) {
    return in_snapshot([&] {
      std::vector<Batch> batches;
      const auto rows =
          ask(sql::doomed, {thread, std::to_string(rule_.keep_latest), cutoff_, rule_.checkpoint_ns}).rows;
      if (rows.empty()) return batches;
      if (uses_delta(thread)) {
        ++counts.delta_threads;
        return batches;
      }
      for (const auto& row : rows) {
        const bool fits = !batches.empty() && batches.back().checkpoint_ns == *row[0] &&
                          static_cast<std::int64_t>(batches.back().ids.size()) < size;
        if (!fits) batches.push_back({*row[0], {}});
        batches.back().ids.push_back(*row[1]);
      }
      return batches;
    });
  }

  /// False when the thread has begun to use a DeltaChannel: nothing was deleted.
  bool remove(const std::string& thread, const Batch& batch, Counts& counts) {
    const Params which = params(thread, batch);
    Counts done;
    const bool removed = in_snapshot([&] {
      done = {};
      if (uses_delta(thread)) return false;
      done.blobs = number(sql::delete_blobs, which);
      done.writes = number(sql::delete_writes, which);
      done.checkpoints = number(sql::delete_checkpoints, which);
      ask(sql::orphan, which);
      return true;
    });
    add(counts, done);
    return removed;
  }

  void measure(const std::string& thread, const Batch& batch, Counts& counts) {
    const Params which = params(thread, batch);
    add(counts, {0, static_cast<std::int64_t>(batch.ids.size()), number(sql::count_writes, which),
                 number(sql::count_blobs, which), 0});
  }

 private:
  static Params params(const std::string& thread, const Batch& batch) {
    return {thread, batch.checkpoint_ns, std::string(db::Param(batch.ids).c_str())};
  }

  static void add(Counts& counts, const Counts& more) {
    counts.checkpoints += more.checkpoints;
    counts.writes += more.writes;
    counts.blobs += more.blobs;
  }

  db::raw::Table ask(const char* statement, const Params& values) {
    return db_.query(statement, values, pulse_, Deadline::never());
  }

  std::int64_t number(const char* statement, const Params& values) {
    return std::stoll(ask(statement, values).rows.at(0).at(0).value_or("0"));
  }

  bool uses_delta(const std::string& thread) { return ask(sql::uses_delta, {thread}).rows.at(0).at(0) == "t"; }

  void need_tables() {
    const auto absent =
        ask("SELECT name FROM unnest('{checkpoints,checkpoint_blobs,checkpoint_writes}'::text[]) name "
            "WHERE to_regclass(name) IS NULL",
            {});
    if (absent.rows.empty()) return;
    throw Error(Kind::configuration,
                "database " + db_.database() + " has no table " + absent.rows.front()[0].value_or(""),
                "name the database of the checkpoint tables, or make them with `wrktalk migrate up`; the role's "
                "search_path must name their schema");
  }

  std::string time_before(std::chrono::milliseconds age) {
    const auto row =
        ask("SELECT to_char((now() - $1::bigint * interval '1 millisecond') AT TIME ZONE 'UTC', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
            {std::to_string(age.count())});
    return row.rows.at(0).at(0).value_or("");
  }

  /// All statements of `act` see the same rows, so that what a run of the graph writes meanwhile is neither seen nor deleted.
  template <typename Act>
  auto in_snapshot(Act act) -> decltype(act()) {
    for (int tries = 1;; ++tries) {
      try {
        db::raw::Transaction transaction(db_, pulse_, Deadline::never());
        db_.script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", pulse_, Deadline::never());
        auto result = act();
        transaction.commit(pulse_, Deadline::never());
        return result;
      } catch (const db::SqlError& error) {
        if (db::remedy(error) != db::Remedy::repeat) throw;
        if (tries == kTries) {
          throw Error(Kind::busy, std::string("the checkpoints are changed again and again: ") + error.what(),
                      "run the command again; what it has deleted is deleted");
        }
      }
      base::pause(pulse_, Deadline::in(kRetryPause));
    }
  }

  db::raw::Connection& db_;
  const Rule& rule_;
  base::Pulse& pulse_;
  std::optional<std::string> cutoff_;
};

}  // namespace

Counts prune(db::raw::Connection& connection, const Rule& rule, const Pace& pace, base::Pulse& pulse,
             const std::function<void(const Counts&)>& progress) {
  Run run(connection, rule, pulse);
  Counts counts;
  run.each_thread([&](const std::string& thread) {
    const auto batches = run.doomed(thread, pace.batch, counts);
    const std::int64_t before = counts.checkpoints;
    for (const auto& batch : batches) {
      if (!run.remove(thread, batch, counts)) {
        ++counts.delta_threads;
        break;
      }
      progress(counts);
      base::pause(pulse, Deadline::in(pace.pause));
    }
    if (counts.checkpoints > before) ++counts.threads;
  });
  return counts;
}

Counts count(db::raw::Connection& connection, const Rule& rule, base::Pulse& pulse,
             const std::function<void(const Counts&)>& progress) {
  Run run(connection, rule, pulse);
  Counts counts;
  run.each_thread([&](const std::string& thread) {
    // A namespace in one batch: what its blobs are referred to by is then counted as a whole.
    const auto batches = run.doomed(thread, std::numeric_limits<std::int64_t>::max(), counts);
    for (const auto& batch : batches) run.measure(thread, batch, counts);
    if (!batches.empty()) ++counts.threads;
    progress(counts);
  });
  return counts;
}

}  // namespace wrktalk::checkpoints
