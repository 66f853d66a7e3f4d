// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/ledger.hpp"

#include "core/base/error.hpp"
#include "core/db/session.hpp"

#include <array>
#include <unistd.h>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using db::quote_identifier;
using db::quote_literal;

std::string table(const Site& site) { return quote_identifier(site.schema) + ".wrktalk_migration"; }

std::string machine() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

Site find_site(db::raw::Connection& connection, const std::vector<std::string>& tables, base::Pulse& pulse) {
  // Function calls instead of joins: planning those in a fresh session costs more than all else in a run with nothing to do.
  std::string first_found;
  for (const auto& name : tables) first_found += "to_regclass(" + quote_literal(quote_identifier(name)) + "), ";
  const std::string query =
      "SELECT n.nspname, n.nspname = current_schema(), "
      "to_regclass(quote_ident(n.nspname) || '.wrktalk_migration') IS NOT NULL FROM pg_catalog.pg_namespace n "
      "WHERE n.oid = coalesce((SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = coalesce(" +
      first_found + "to_regclass('wrktalk_migration'))), quote_ident(current_schema())::regnamespace)";
  const auto rows = connection.query(query, {}, pulse, Deadline::never()).rows;
  if (rows.empty()) {
    throw base::Error(base::Kind::configuration, "no schema of the search path exists",
                      "create the schema, or set search_path for this role or database");
  }
  const auto& row = rows.front();
  const Site site{row[0].value(), row[2] == "t"};
  if (row[1] != "t") {
    connection.query(
        "SELECT set_config('search_path', quote_ident($1) || ', ' || current_setting('search_path'), false)",
        {site.schema}, pulse, Deadline::never());
  }
  return site;
}

std::vector<LedgerRow> read_ledger(db::raw::Connection& connection, const Site& site, const std::string& set,
                                   base::Pulse& pulse) {
  std::vector<LedgerRow> ledger;
  if (!site.has_ledger) return ledger;
  const std::string query =
      "SELECT number, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
      "applied_by, duration_ms, outcome FROM " +
      table(site) + " WHERE set = $1 ORDER BY number";
  for (const auto& row : connection.query(query, {set}, pulse, Deadline::never()).rows) {
    ledger.push_back({std::stoll(row[0].value()), row[1].value(), row[2].value(), row[3].value(), row[4].value(),
                      std::chrono::milliseconds(std::stoll(row[5].value())), row[6].value()});
  }
  return ledger;
}

std::string create_ledger_sql(const Site& site) {
  return "CREATE TABLE IF NOT EXISTS " + table(site) +
         " (set text NOT NULL, number bigint NOT NULL, name text NOT NULL, checksum text NOT NULL,"
         " applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL, duration_ms bigint NOT NULL,"
         " outcome text NOT NULL, fingerprint text NOT NULL DEFAULT '', PRIMARY KEY (set, number)); ";
}

std::string record_sql(const Site& site, const std::string& set, const Migration& migration,
                       std::chrono::milliseconds took, const std::string& outcome, const std::string& fingerprint) {
  return "INSERT INTO " + table(site) +
         " (set, number, name, checksum, applied_by, duration_ms, outcome, fingerprint) VALUES (" + quote_literal(set) +
         ", " + std::to_string(migration.number) + ", " + quote_literal(migration.name) + ", " +
         quote_literal(migration.checksum) + ", session_user || '@' || " + quote_literal(machine()) + ", " +
         std::to_string(took.count()) + ", " + quote_literal(outcome) + ", " + quote_literal(fingerprint) + "); ";
}

std::string forget_sql(const Site& site, const std::string& set, const Migration& migration) {
  return "DELETE FROM " + table(site) + " WHERE set = " + quote_literal(set) +
         " AND number = " + std::to_string(migration.number) + "; ";
}

std::string forget_set_sql(const Site& site, const std::string& set) {
  return "DELETE FROM " + table(site) + " WHERE set = " + quote_literal(set) + "; ";
}

}  // namespace wrktalk::migrate
