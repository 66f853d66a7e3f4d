// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/ledger.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using db::quote_identifier;
using db::quote_literal;

std::string ledger(const Site& site) { return site.qualified("wrktalk_migration"); }

/// A table's name as the ledger keeps it, of pg_class c.
std::string name_sql(const Site& site) {
  return "CASE WHEN c.relnamespace = " + quote_literal(quote_identifier(site.schema)) +
         "::regnamespace THEN '' ELSE c.relnamespace::regnamespace || '.' END || quote_ident(c.relname)";
}

std::string machine() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

std::string Site::qualified(const std::string& table) const { return named(quote_identifier(table)); }

std::string Site::named(const std::string& table) const {
  return schema.empty() || !schema_of(table).empty() ? table : quote_identifier(schema) + "." + table;
}

std::string Site::search_path_sql(bool for_transaction) const {
  if (is_current) return {};
  return "SELECT set_config('search_path', " + quote_literal(quote_identifier(schema)) +
         " || ', ' || current_setting('search_path'), " + (for_transaction ? "true" : "false") + "); ";
}

std::string schema_of(const std::string& table) {
  const bool quoted = !table.empty() && table.back() == '"';
  const std::size_t dot = table.rfind(quoted ? ".\"" : ".");
  return dot == std::string::npos ? std::string() : table.substr(0, dot + 1);
}

Site find_site(db::raw::Connection& connection, const std::vector<std::string>& tables, base::Pulse& pulse) {
  // Function calls instead of joins: planning those in a fresh session costs more than all else in a run with nothing to do.
  std::string first_found;
  for (const auto& name : tables) first_found += "to_regclass(" + quote_literal(quote_identifier(name)) + "), ";
  const std::string query =
      "SELECT n.nspname, coalesce(n.nspname = current_schema(), false), "
      "to_regclass(quote_ident(n.nspname) || '.wrktalk_migration') IS NOT NULL "
      "FROM pg_catalog.pg_namespace n "
      "WHERE n.oid = coalesce((SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = coalesce(" +
      first_found + "to_regclass('wrktalk_migration'))), quote_ident(current_schema())::regnamespace)";
  const auto rows = connection.query(query, {}, pulse, Deadline::never()).rows;
  if (rows.empty()) {
    throw base::Error(base::Kind::configuration, "no schema of the search path exists",
                      "create the schema, or set search_path for this role or database");
  }
  const auto& row = rows.front();
  if (row[0] == "pg_catalog" || row[0] == "information_schema") {
    throw base::Error(base::Kind::configuration, "the first schema of the search path is the server's own, " + *row[0],
                      "set search_path for this role or database to the schema of the tables");
  }
  return {row[0].value(), row[2] == "t", row[1] == "t"};
}

std::vector<LedgerRow> read_ledger(db::raw::Connection& connection, const Site& site, const std::string& set,
                                   base::Pulse& pulse) {
  std::vector<LedgerRow> rows;
  if (!site.has_ledger) return rows;
  const std::string query =
      "SELECT number, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS "
      "applied_at, applied_by, duration_ms, outcome, array_to_string(tables, E'\\n') AS tables, "
      "fingerprint IS NOT NULL AS has_fingerprint FROM " +
      ledger(site) + " WHERE set = $1 ORDER BY number";
  const auto found = connection.query(query, {set}, pulse, Deadline::never());
  for (std::size_t i = 0; i < found.rows.size(); ++i) {
    const auto of = [&](const char* column) { return found.at(i, column).value(); };
    const std::string tables = of("tables");
    rows.push_back({std::stoll(of("number")), of("name"), of("checksum"), of("applied_at"), of("applied_by"),
                    std::chrono::milliseconds(std::stoll(of("duration_ms"))), of("outcome"),
                    tables.empty() ? std::vector<std::string>() : base::split(tables, '\n'),
                    of("has_fingerprint") == "t"});
  }
  return rows;
}

std::optional<std::string> read_fingerprint(db::raw::Connection& connection, const Site& site, const std::string& set,
                                            base::Pulse& pulse) {
  if (!site.has_ledger) return std::nullopt;
  const auto rows =
      connection
          .query("SELECT fingerprint FROM " + ledger(site) + " WHERE set = $1 ORDER BY number DESC LIMIT 1", {set},
                 pulse, Deadline::never())
          .rows;
  return rows.empty() ? std::nullopt : rows.front().front();
}

std::optional<std::string> read_outcome(db::raw::Connection& connection, const Site& site, const std::string& set,
                                        const Migration& migration, base::Pulse& pulse) {
  const auto rows = connection
                        .query("SELECT outcome FROM " + ledger(site) + " WHERE set = $1 AND number = $2::bigint",
                               {set, std::to_string(migration.number)}, pulse, Deadline::never())
                        .rows;
  return rows.empty() ? std::nullopt : rows.front().front();
}

std::int64_t newest_applied(const std::vector<LedgerRow>& ledger) noexcept {
  const auto newest = std::find_if(ledger.rbegin(), ledger.rend(), [](const auto& row) { return !row.is_begun(); });
  return newest == ledger.rend() ? 0 : newest->number;
}

std::string create_ledger_sql(const Site& site) {
  return "CREATE TABLE IF NOT EXISTS " + ledger(site) +
         " (set text NOT NULL, number bigint NOT NULL, name text NOT NULL, checksum text NOT NULL,"
         " applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL, duration_ms bigint NOT NULL,"
         " outcome text NOT NULL, tables text[] NOT NULL DEFAULT '{}', fingerprint text, PRIMARY KEY (set, number)); ";
}

std::string record_sql(const Site& site, const std::string& set, const Migration& migration,
                       std::chrono::milliseconds took, const std::string& outcome, const std::string& tables_sql) {
  return "INSERT INTO " + ledger(site) +
         " (set, number, name, checksum, applied_by, duration_ms, outcome, tables) VALUES (" + quote_literal(set) +
         ", " + std::to_string(migration.number) + ", " + quote_literal(migration.name) + ", " +
         quote_literal(migration.checksum) + ", session_user || '@' || " + quote_literal(machine()) + ", " +
         std::to_string(took.count()) + ", " + quote_literal(outcome) + ", " + tables_sql + "); UPDATE " +
         ledger(site) + " SET fingerprint = NULL WHERE set = " + quote_literal(set) + " AND number > " +
         std::to_string(migration.number) + "; ";
}

std::string begin_sql(const Site& site, const std::string& set, const Migration& migration) {
  return "INSERT INTO " + ledger(site) + " (set, number, name, checksum, applied_by, duration_ms, outcome) VALUES (" +
         quote_literal(set) + ", " + std::to_string(migration.number) + ", " + quote_literal(migration.name) + ", " +
         quote_literal(migration.checksum) + ", session_user || '@' || " + quote_literal(machine()) +
         ", 0, 'begun') ON CONFLICT (set, number) DO UPDATE SET outcome = 'begun'; ";
}

std::string unbegin_sql(const Site& site, const std::string& set, const Migration& migration,
                        const std::optional<std::string>& outcome) {
  if (!outcome) return forget_sql(site, set, migration);
  return "UPDATE " + ledger(site) + " SET outcome = " + quote_literal(*outcome) + " WHERE set = " + quote_literal(set) +
         " AND number = " + std::to_string(migration.number) + "; ";
}

std::string locked_tables_sql(const Site& site) {
  return "ARRAY(SELECT DISTINCT " + name_sql(site) +
         " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation"
         " WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.mode IN ('ShareLock',"
         " 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'AccessExclusiveLock') AND l.relation >= 16384"
         " AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't' AND c.relname <> "
         "'wrktalk_migration')";
}

std::string table_of_index_sql(const Site& site, const std::string& index) {
  return "ARRAY(SELECT " + name_sql(site) +
         " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid WHERE i.indexrelid = "
         "to_regclass(" +
         quote_literal(index) + "))";
}

std::string seal_sql(const Site& site, const std::string& set, const std::string& fingerprint) {
  return "UPDATE " + ledger(site) + " SET fingerprint = " + quote_literal(fingerprint) +
         " WHERE set = " + quote_literal(set) + " AND number = (SELECT max(number) FROM " + ledger(site) +
         " WHERE set = " + quote_literal(set) + "); ";
}

std::string accept_sql(const Site& site, const std::string& set, const Migration& migration) {
  return "UPDATE " + ledger(site) + " SET checksum = " + quote_literal(migration.checksum) +
         " WHERE set = " + quote_literal(set) + " AND number = " + std::to_string(migration.number) + "; ";
}

std::string forget_sql(const Site& site, const std::string& set, const Migration& migration) {
  return "DELETE FROM " + ledger(site) + " WHERE set = " + quote_literal(set) +
         " AND number = " + std::to_string(migration.number) + "; ";
}

std::string forget_set_sql(const Site& site, const std::string& set) {
  return "DELETE FROM " + ledger(site) + " WHERE set = " + quote_literal(set) + "; ";
}

}  // namespace wrktalk::migrate
