// SPDX-License-Identifier: Apache-2.0
#include "core/backup/restore.hpp"

#include "core/backup/tables.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <regex>

namespace wrktalk::backup {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// Feeds a dump to the server.
class Loader : public DumpListener {
 public:
  Loader(db::raw::Connection& connection, const Tables& tables, DumpListener& also, base::Pulse& pulse)
      : connection_(connection), tables_(tables), also_(also), pulse_(pulse) {}

  void on_sql(const std::string& statements) override {
    also_.on_sql(statements);
    for (const auto& line : base::split(statements, '\n')) {
      if (base::starts_with(line, "SET client_encoding")) run(line);
    }
    if (!tables_.there.empty()) return;
    make_schema(statements);
    try {
      make_vector_type(statements);
      run(statements);
    } catch (const db::SqlError& error) {
      const bool passes = db::may_pass(error);
      throw db::SqlError(
          error.kind(), std::string("cannot make the tables as the backup has them: ") + error.what(), error.sqlstate(),
          passes ? error.hint()
                 : "make them with `wrktalk migrate up`, then restore again: their rows alone are taken then");
    }
  }

  void on_copy(const CopyHead& head) override {
    also_.on_copy(head);
    table_ = head.table;
    std::string schema = head.schema;
    if (!tables_.there.empty()) {
      need_table();
      schema = tables_.schema;
      // The vectors refer to the store.
      const bool with_vectors = table_ == "store" && has("store_vectors");
      run("TRUNCATE " + schema + "." + table_ + (with_vectors ? ", " + schema + ".store_vectors" : ""));
    }
    try {
      connection_.copy_in("COPY " + schema + "." + table_ + " " + head.columns + " FROM STDIN", pulse_,
                          Deadline::never());
    } catch (const db::SqlError& error) {
      throw Error(error.sqlstate() == "42703" ? Kind::configuration : error.kind(),
                  "table " + table_ + ": " + error.what(),
                  "bring the tables up to date with `wrktalk migrate up`, or restore --into an empty database");
    }
    copying_ = true;
  }

  void on_data(std::string_view piece) override {
    also_.on_data(piece);
    connection_.copy_write(piece.data(), piece.size(), pulse_, Deadline::never());
  }

  void on_copy_end() override {
    also_.on_copy_end();
    copying_ = false;
    try {
      const std::string tag = connection_.copy_finish(pulse_, Deadline::never());  // COPY 12
      rows_[table_] = std::stoull(tag.substr(tag.rfind(' ') + 1));
    } catch (db::SqlError& error) {
      error.add_context("table " + table_);
      throw;
    }
  }

  /// Ends a COPY that is under way, which would wait for more.
  void abort() noexcept {
    if (copying_) connection_.copy_abort("the backup could not be read to its end");
  }

  /// As the server counted them.
  const Rows& rows() const noexcept { return rows_; }

 private:
  void run(const std::string& sql) { connection_.script(sql, pulse_, Deadline::never()); }

  void make_schema(const std::string& statements) {
    const std::string head = "CREATE TABLE ";
    const std::size_t at = statements.find(head);
    if (at == std::string::npos) return;
    const std::string name = statements.substr(at + head.size(), statements.find(" (", at) - at - head.size());
    const std::string schema = name.substr(0, name.rfind('.'));
    const auto found = connection_.query("SELECT to_regnamespace($1) IS NULL", {schema}, pulse_, Deadline::never());
    if (found.rows.at(0).at(0) == "t") run("CREATE SCHEMA " + schema);
  }

  bool has(const std::string& table) const {
    return std::find(tables_.there.begin(), tables_.there.end(), table) != tables_.there.end();
  }

  /// pg_dump of tables alone leaves their extension out.
  void make_vector_type(const std::string& statements) {
    static const std::regex type(R"(([A-Za-z0-9_]+|"[^"]+")\.(vector|halfvec)\()");
    std::smatch match;
    if (std::regex_search(statements, match, type)) {
      run("CREATE EXTENSION IF NOT EXISTS vector SCHEMA " + match[1].str());
    }
  }

  void need_table() const {
    if (has(table_)) return;
    throw Error(Kind::configuration, "the database has no table " + table_ + ", but others of the backup",
                "make it with `wrktalk migrate up`, or restore --into an empty database");
  }

  db::raw::Connection& connection_;
  const Tables& tables_;
  DumpListener& also_;
  base::Pulse& pulse_;
  std::string table_;
  bool copying_ = false;
  Rows rows_;
};

void lock(db::raw::Connection& connection, const Tables& tables, const RestoreLimits& limits, base::Pulse& pulse) {
  connection.script("SET LOCAL lock_timeout = " + std::to_string(limits.lock_timeout.count()), pulse,
                    Deadline::never());
  for (const auto& table : tables.there) {
    try {
      connection.script("LOCK TABLE " + tables.schema + "." + table + " IN ACCESS EXCLUSIVE MODE", pulse,
                        Deadline::never());
    } catch (const db::SqlError& error) {
      if (error.sqlstate() != "55P03") throw;
      throw Error(Kind::busy,
                  "table " + table + " is in use: no lock in " + base::human_duration(limits.lock_timeout) + ": " +
                      error.what(),
                  "stop the application first, or raise --ddl-lock-timeout");
    }
  }
}

void need_empty(db::raw::Connection& connection, const Tables& tables, base::Pulse& pulse) {
  Rows rows = count_rows(connection, tables, pulse);
  for (const auto& table : kTables) {
    if (table.is_version) rows.erase(table.name);
  }
  if (std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.second == 0; })) return;
  throw Error(Kind::failed, "database " + connection.database() + " has rows: " + to_text(rows),
              "give --replace to lose them, or another database with --into");
}

}  // namespace

void need_recorded_rows(const Backup& backup, const Rows& found) {
  Parts parts = parts_of(found);
  if (parts.empty()) parts = {Part::checkpoint};
  for (const auto& table : kTables) {
    if (parts.count(table.part) == 0 || table.is_version || table.optional || found.count(table.name) != 0) continue;
    throw Error(Kind::difference, std::string("it has no rows for table ") + table.name + ", not even none",
                "use a backup of all checkpoint tables");
  }
  if (!backup.record || backup.record->rows == found) return;
  throw Error(Kind::difference,
              "it has " + to_text(found) + "; when it was made it had " + to_text(backup.record->rows),
              "use another backup");
}

Rows restore(db::raw::Connection& connection, const Backup& backup, const Reading& reading, const RestoreLimits& limits,
             DumpListener& also) {
  base::Pulse& pulse = reading.pulse;
  db::raw::Transaction transaction(connection, pulse, Deadline::never());
  // A backup of somebody else's, without a record, is taken for one of the checkpoints.
  const Parts parts = backup.record ? parts_of(backup.record->rows) : Parts{Part::checkpoint};
  const Tables before = find_tables(connection, parts, pulse);
  lock(connection, before, limits, pulse);
  if (!limits.replace) need_empty(connection, before, pulse);
  Loader loader(connection, before, also, pulse);
  try {
    const Rows read = read_backup(backup.path, backup.name, reading, loader);
    need_recorded_rows(backup, read);
    if (read != loader.rows()) {
      throw Error(Kind::failed, "the server took " + to_text(loader.rows()) + "; the backup has " + to_text(read));
    }
  } catch (...) {
    loader.abort();
    throw;
  }
  const Tables after = find_tables(connection, parts, pulse);
  for (const auto& table : after.there) {
    connection.script("ANALYZE " + after.schema + "." + table, pulse, Deadline::never());
  }
  transaction.commit(pulse, Deadline::never());
  return loader.rows();
}

}  // namespace wrktalk::backup
