// SPDX-License-Identifier: Apache-2.0
#include "core/backup/tables.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace wrktalk::backup {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

}  // namespace

Parts parse_parts(const std::string& text) {
  Parts parts;
  for (const auto& word : base::split(text, ',')) {
    const std::string name = base::trim(word);
    if (name != "checkpoint" && name != "store") {
      throw Error(Kind::usage, "--tables: '" + base::one_line(name) + "' is no part of LangGraph's tables",
                  "name checkpoint, store, or both: checkpoint,store");
    }
    parts.insert(name == "store" ? Part::store : Part::checkpoint);
  }
  return parts;
}

Parts parts_of(const Rows& rows) {
  Parts parts;
  for (const auto& table : kTables) {
    if (rows.count(table.name) != 0) parts.insert(table.part);
  }
  return parts;
}

Tables find_tables(db::raw::Connection& connection, const Parts& parts, base::Pulse& pulse) {
  std::vector<std::string> names;
  std::set<std::string> optional;
  for (const auto& table : kTables) {
    if (parts.count(table.part) == 0) continue;
    names.emplace_back(table.name);
    if (table.optional) optional.insert(table.name);
  }
  const auto found = connection.query(
      "SELECT name, quote_ident(n.nspname) FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, place) "
      "LEFT JOIN pg_class c ON c.oid = to_regclass(quote_ident(name)) AND c.relkind IN ('r', 'p') "
      "LEFT JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY place",
      {"{" + base::join(names, ",") + "}"}, pulse, Deadline::never());
  Tables tables;
  for (const auto& row : found.rows) {
    if (!row[1]) {
      if (optional.count(*row[0]) == 0) tables.absent.push_back(*row[0]);
      continue;
    }
    if (!tables.schema.empty() && tables.schema != *row[1]) {
      throw Error(Kind::configuration, "the checkpoint tables lie in two schemas, " + tables.schema + " and " + *row[1],
                  "name one with PGOPTIONS='-c search_path=...'");
    }
    tables.schema = *row[1];
    tables.there.push_back(*row[0]);
  }
  return tables;
}

Rows count_rows(db::raw::Connection& connection, const Tables& tables, base::Pulse& pulse) {
  Rows rows;
  for (const auto& table : tables.there) {
    const auto counted =
        connection.query("SELECT count(*) FROM " + tables.schema + "." + table, {}, pulse, Deadline::never());
    rows[table] = std::stoull(counted.rows.at(0).at(0).value_or("0"));
  }
  return rows;
}

std::string to_text(const Rows& rows) {
  std::vector<std::string> parts;
  for (const auto& [table, count] : rows) parts.push_back(table + " " + std::to_string(count));
  return base::join(parts, ", ");
}

}  // namespace wrktalk::backup
