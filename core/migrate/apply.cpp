// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/apply.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/migrate/source.hpp"
#include "core/migrate/statements.hpp"

#include <algorithm>
#include <random>
#include <set>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using std::chrono::milliseconds;

constexpr int kTries = 10;
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5'000};
// A file may change its session (pg_dump's do); the ledger must not meet that, nor the next file what outlives a transaction.
constexpr const char* kForgetSettings = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; ";
constexpr const char* kForgetSession =
    "CLOSE ALL; UNLISTEN *; DEALLOCATE ALL; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD "
    "SEQUENCES; ";
// What runs CONCURRENTLY blocks no reader or writer while it waits, and to give it up leaves an INVALID index.
constexpr milliseconds kNoTimeout{0};
constexpr int kHasConnectionCheck = 140'000;

bool worth_retrying(const db::SqlError& error) {
  return error.sqlstate() == "55P03" || db::remedy(error) == db::Remedy::repeat;
}

/// Whether a statement that was begun before failed because it had done its work then.
bool says_done(const std::string& verb, const std::string& sqlstate) {
  static const std::set<std::string> duplicate = {"42P07", "42710", "42P04", "42P06", "42701"};
  static const std::set<std::string> undefined = {"42704", "42P01", "3D000", "3F000"};
  return verb == "DROP" ? undefined.count(sqlstate) != 0 : duplicate.count(sqlstate) != 0;
}

milliseconds jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return pause / 2 + milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, pause.count())(random));
}

/// The server looks each second whether we are still there.
std::string limit_sql(const char* scope, milliseconds lock_timeout, milliseconds statement_timeout,
                      int server_version) {
  const std::string set = std::string("SET ") + scope;
  std::string sql = set + "lock_timeout = " + std::to_string(lock_timeout.count()) + "; " + set +
                    "statement_timeout = " + std::to_string(statement_timeout.count()) + "; " + set +
                    "idle_in_transaction_session_timeout = 0; ";
  if (server_version >= kHasConnectionCheck) sql += set + "client_connection_check_interval = 1000; ";
  return sql;
}

milliseconds since(base::BootClock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(base::BootClock::now() - start);
}

}  // namespace

Applier::Applier(db::raw::Connection& connection, Site site, const Set& set, const Limits& limits, Observer& observer,
                 base::Pulse& pulse)
    : connection_(connection), site_(std::move(site)), set_(set), limits_(limits), observer_(observer), pulse_(pulse) {}

Done Applier::apply(const Migration& migration, bool forget_set) {
  observer_.applying(migration);
  std::string before = ledger_sql();
  if (forget_set) before += forget_set_sql(site_, set_.name);
  const auto index = migration.up.transactional ? std::nullopt : concurrent_index(migration.up.sql);
  const std::string tables = index ? table_of_index_sql(site_, *index) : locked_tables_sql(site_);
  const auto after = [&](milliseconds took) {
    return forget_sql(site_, set_.name, migration) + record_sql(site_, set_.name, migration, took, "applied", tables);
  };
  return run(migration, migration.up, {before, after}, "applied");
}

Done Applier::undo(const Migration& migration) {
  observer_.undoing(migration);
  const auto after = [&](milliseconds) { return forget_sql(site_, set_.name, migration); };
  return run(migration, *migration.down, {{}, after}, "undone");
}

Done Applier::run(const Migration& migration, const Script& script, const Parts& parts, const std::string& outcome) {
  const std::string sql = without_unknown_settings(checked_sql(script), connection_.server_version());
  const auto start = base::BootClock::now();
  std::vector<std::string> tags;
  retried(script.file, [&] {
    tags = script.transactional ? run_inside(script, sql, parts) : run_outside(migration, script, sql, parts);
  });
  site_.has_ledger = true;
  for (const auto& tag : tags) observer_.command(tag);
  Done done{migration.number, migration.label, migration.name, outcome, since(start)};
  observer_.done(migration, done);
  return done;
}

std::vector<std::string> Applier::run_inside(const Script& script, const std::string& sql, const Parts& parts) {
  // One message opens the transaction and runs the file; it cannot commit by itself, whatever happens to us meanwhile.
  const std::string before =
      connection_.begin_sql() +
      limit_sql("LOCAL ", script.lock_timeout.value_or(limits_.ddl_lock_timeout),
                script.statement_timeout.value_or(limits_.statement_timeout), connection_.server_version()) +
      site_.search_path_sql(true) + parts.before;
  const auto start = base::BootClock::now();
  try {
    auto tags = send(before + sql);
    tags.erase(tags.begin(), tags.begin() + std::count(before.begin(), before.end(), ';'));
    send(kForgetSettings + connection_.settings_sql() + parts.after(since(start)) + "COMMIT; " + kForgetSession);
    return tags;
  } catch (const db::raw::ScriptError& error) {
    throw located(error, script, before);
  }
}

bool Applier::begin(const Migration& migration, const std::string& sql, const std::optional<std::string>& outcome) {
  const auto index = concurrent_index(sql);
  // An index of that name which is there before was not made by this file: the server will say so.
  const bool is_there =
      index &&
      connection_.query("SELECT to_regclass($1)", {*index}, pulse_, Deadline::never()).rows.at(0).at(0).has_value();
  if (!is_there || outcome) send(begin_sql(site_, set_.name, migration));
  return outcome == "begun";
}

std::vector<std::string> Applier::run_outside(const Migration& migration, const Script& script, const std::string& sql,
                                              const Parts& parts) {
  const auto all = statements(sql);
  const auto& words = all.front().words;
  const bool concurrent = std::find(words.begin(), words.end(), "CONCURRENTLY") != words.end();
  limit_session(script.lock_timeout.value_or(concurrent ? kNoTimeout : limits_.ddl_lock_timeout),
                script.statement_timeout.value_or(limits_.statement_timeout));
  if (!parts.before.empty()) send(parts.before);
  site_.has_ledger = true;
  if (const auto index = concurrent_index(sql)) drop_invalid(*index);
  const auto outcome = read_outcome(connection_, site_, set_.name, migration, pulse_);
  const bool was_begun = begin(migration, sql, outcome);
  const auto start = base::BootClock::now();
  std::vector<std::string> tags;
  try {
    tags = send(sql);
  } catch (const db::raw::ScriptError& error) {
    if (!was_begun) send(unbegin_sql(site_, set_.name, migration, outcome));
    if (!was_begun || !says_done(words.front(), error.sqlstate())) throw located(error, script, {});
  }
  base::crash_point("migration-run");
  send(parts.after(since(start)));
  forget_session();
  return tags;
}

void Applier::in_transaction(const std::string& what, const std::function<void()>& work) {
  retried(what, [&] {
    send(connection_.begin_sql() +
         limit_sql("LOCAL ", limits_.ddl_lock_timeout, limits_.statement_timeout, connection_.server_version()) +
         site_.search_path_sql(true));
    work();
    send("COMMIT");
  });
}

std::vector<std::string> Applier::send(const std::string& sql) {
  return connection_.script(sql, pulse_, Deadline::never());
}

void Applier::record(const Migration& migration, milliseconds took, const std::string& outcome) {
  send(ledger_sql() + forget_sql(site_, set_.name, migration) +
       record_sql(site_, set_.name, migration, took, outcome, "'{}'"));
}

void Applier::limit_session(milliseconds lock_timeout, milliseconds statement_timeout) {
  // Behind a pooler the statement runs with the limits that its role and database have.
  if (connection_.pooled()) return;
  send(limit_sql("", lock_timeout, statement_timeout, connection_.server_version()) + site_.search_path_sql(false));
}

void Applier::build_index(const std::string& what, const std::string& index, const std::string& sql) {
  retried(what, [&] {
    limit_session(kNoTimeout, kNoTimeout);
    drop_invalid(index);
    for (const auto& tag : send(sql)) observer_.command(tag);
  });
}

void Applier::drop_index(const std::string& what, const std::string& index) {
  retried(what, [&] {
    limit_session(kNoTimeout, kNoTimeout);
    drop_invalid(index);
  });
}

void Applier::drop_invalid(const std::string& index) {
  const auto invalid_on = [&]() -> std::string {
    const auto rows = connection_
                          .query(
                              "SELECT indrelid::regclass::text FROM pg_catalog.pg_index "
                              "WHERE indexrelid = to_regclass($1) AND NOT indisvalid",
                              {index}, pulse_, Deadline::never())
                          .rows;
    return rows.empty() ? std::string() : rows.front().front().value();
  };
  const std::string table = invalid_on();
  if (table.empty()) return;
  // An index that is being built is invalid too: this lock waits for its builder.
  send(connection_.begin_sql() + "LOCK TABLE " + table + " IN SHARE UPDATE EXCLUSIVE MODE");
  const bool abandoned = !invalid_on().empty();
  send("COMMIT");
  if (abandoned) send("DROP INDEX CONCURRENTLY IF EXISTS " + index);
}

void Applier::retried(const std::string& what, const std::function<void()>& work) {
  auto pause = kFirstPause;
  for (int tries = 1;; ++tries) {
    try {
      return work();
    } catch (const db::SqlError& error) {
      roll_back();
      if (!worth_retrying(error)) throw;
      if (tries == kTries) {
        throw Error(Kind::busy, what + ": gave up after " + std::to_string(kTries) + " tries: " + error.what(),
                    "find out who holds the table (pg_locks), or raise --ddl-lock-timeout");
      }
      const milliseconds now = jittered(pause);
      observer_.retrying(error.what(), now);
      base::pause(pulse_, Deadline::in(now));
      pause = std::min(pause * 2, kLongestPause);
    }
  }
}

void Applier::roll_back() {
  if (!connection_.alive()) return;
  if (connection_.in_transaction()) send("ROLLBACK");
  forget_session();
}

void Applier::forget_session() {
  send(kForgetSettings + std::string(kForgetSession) + (connection_.pooled() ? "" : connection_.settings_sql()));
}

std::string Applier::ledger_sql() { return site_.has_ledger ? std::string() : create_ledger_sql(site_); }

}  // namespace wrktalk::migrate
