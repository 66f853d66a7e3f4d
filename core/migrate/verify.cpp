// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/verify.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

bool has_table(const Catalog& catalog, const std::string& table) {
  return std::any_of(catalog.begin(), catalog.end(),
                     [&](const auto& item) { return item.kind == "table" && item.table == table; });
}

bool is_langgraph(const Set& set) { return !set.adopt_sql.empty(); }

/// What the checks group by; everything that is neither of the named kinds comes last.
std::string check_of(const CatalogItem& item) {
  if (item.kind == "table") return "tables";
  if (item.kind == "column") return "columns of " + item.table;
  if (item.kind == "index") return "indexes";
  if (item.kind == "primary key") return "primary keys";
  return "constraints and triggers";
}

std::vector<std::string> check_names(const Catalog& expected) {
  std::vector<std::string> names{"tables"};
  for (const auto& table : tables_of(expected)) names.push_back("columns of " + table);
  names.insert(names.end(), {"indexes", "primary keys"});
  const bool others = std::any_of(expected.begin(), expected.end(),
                                  [](const auto& item) { return item.kind == "constraint" || item.kind == "trigger"; });
  if (others) names.emplace_back("constraints and triggers");
  return names;
}

Check structure_check(const std::string& name, const Catalog& expected, const Comparison& comparison) {
  Check check;
  check.name = name;
  const auto wanted =
      std::count_if(expected.begin(), expected.end(), [&](const auto& item) { return check_of(item) == name; });
  std::ptrdiff_t wrong = 0;
  for (const auto& difference : comparison.differences) {
    if (check_of(difference.item) != name) continue;
    check.differences.push_back(difference.text());
    if (!difference.expected.empty()) ++wrong;
  }
  // What belongs to a missing table is missing too, and was said once.
  for (const auto& item : expected) {
    if (check_of(item) != name || item.kind == "table") continue;
    wrong += std::any_of(comparison.differences.begin(), comparison.differences.end(), [&](const auto& difference) {
      return difference.item.kind == "table" && difference.item.table == item.table && difference.found.empty();
    });
  }
  check.result = std::to_string(wanted - wrong) + " of " + std::to_string(wanted);
  return check;
}

Check version_check(const Set& set, const std::optional<std::int64_t>& version, std::vector<std::string>& warnings) {
  const std::int64_t expected = is_langgraph(set) ? kCheckpointVersion : set.migrations.back().number;
  Check check{"schema version", version ? std::to_string(*version) : "none", {}};
  if (version.value_or(-1) < expected) {
    check.differences.push_back("schema version: expected " + std::to_string(expected) + ", found " + check.result);
  } else if (*version > expected) {
    warnings.push_back("schema version " + check.result + " is newer than " + std::to_string(expected) +
                       ", the newest this program knows");
  }
  return check;
}

void begin_read_only(db::raw::Connection& connection, base::Pulse& pulse) {
  connection.script("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", pulse, Deadline::never());
}

}  // namespace

std::vector<TableFigures> table_figures(db::raw::Connection& connection, const Site& site,
                                        const std::vector<std::string>& tables, base::Pulse& pulse) {
  std::string query;
  for (const auto& table : tables) {
    const std::string name = db::quote_identifier(site.schema) + "." + db::quote_identifier(table);
    const std::string literal = db::quote_literal(name) + "::regclass";
    if (!query.empty()) query += " UNION ALL ";
    query +=
        "SELECT " + db::quote_literal(table) + ", (SELECT count(*) FROM " + name +
        "), (SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = " + literal +
        " AND attnum > 0 AND NOT attisdropped), (SELECT count(*) FROM pg_catalog.pg_index WHERE indrelid = " + literal +
        "), pg_total_relation_size(" + literal + ")";
  }
  std::vector<TableFigures> all;
  if (query.empty()) return all;
  for (const auto& row : connection.query(query, {}, pulse, Deadline::never()).rows) {
    all.push_back({row[0].value(), std::stoll(row[1].value()), std::stoll(row[2].value()), std::stoll(row[3].value()),
                   std::stoll(row[4].value_or("0"))});
  }
  return all;
}

Inspection inspect(db::raw::Connection& connection, const Site& site, const Set& set, base::Pulse& pulse) {
  Inspection inspection;
  const Catalog expected = parse_catalog(set.fingerprint);
  inspection.found = read_catalog(connection, site.schema, tables_of(expected), pulse);
  inspection.comparison = compare(expected, inspection.found);
  if (is_langgraph(set) && has_table(inspection.found, "checkpoint_migrations")) {
    const auto newest = connection.query("SELECT max(v) FROM checkpoint_migrations", {}, pulse, Deadline::never());
    if (const auto& v = newest.rows.at(0).at(0)) inspection.version = std::stoll(*v);
  }
  return inspection;
}

bool Report::is_clean() const noexcept {
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.differences.empty(); });
}

Report verify(db::raw::Connection& connection, const Set& set, base::Pulse& pulse) {
  if (set.fingerprint.empty()) {
    throw Error(Kind::failed, "set " + set.name + " has no recorded structure to compare with",
                "name one of the built-in sets");
  }
  const Catalog expected = parse_catalog(set.fingerprint);
  begin_read_only(connection, pulse);
  const Site site = find_site(connection, tables_of(expected), pulse);
  const Inspection inspection = inspect(connection, site, set, pulse);

  Report report;
  report.schema = site.schema;
  report.version = inspection.version;
  if (!is_langgraph(set)) {
    const auto ledger = read_ledger(connection, site, set.name, pulse);
    if (!ledger.empty()) report.version = ledger.back().number;
  }
  report.checks.push_back(version_check(set, report.version, report.warnings));
  for (const auto& name : check_names(expected)) {
    report.checks.push_back(structure_check(name, expected, inspection.comparison));
  }
  for (const auto& extra : inspection.comparison.harmless) report.warnings.push_back(extra.text());
  report.figures = table_figures(connection, site, tables_of(inspection.found), pulse);
  return report;
}

Usage usage(db::raw::Connection& connection, const Set& set, base::Pulse& pulse) {
  if (!is_langgraph(set)) throw Error(Kind::usage, "only the checkpoint set has threads to count", "leave --set out");
  begin_read_only(connection, pulse);
  find_site(connection, {"checkpoints"}, pulse);
  const auto row = connection
                       .query(
                           "SELECT count(DISTINCT thread_id), count(*), pg_total_relation_size('checkpoints'), "
                           "pg_total_relation_size('checkpoint_blobs'), pg_total_relation_size('checkpoint_writes') "
                           "FROM checkpoints",
                           {}, pulse, Deadline::never())
                       .rows.at(0);
  const auto number = [&](std::size_t column) { return std::stoll(row.at(column).value_or("0")); };
  return {number(0), number(1), number(2), number(3), number(4)};
}

}  // namespace wrktalk::migrate
