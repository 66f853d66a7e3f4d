// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/catalog.hpp"

#include "core/base/text.hpp"
#include "core/db/session.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace wrktalk::migrate {
namespace {

/// $1: schema of the names without one, empty: as the search path finds them; $2: table names. Rows: the table's oid; kind; name, of a table the one it was asked for by; definition. NOT NULL is a column's
/// matter here; from version 18 on it is a constraint too. One catalog a branch and no joins: planning those in a fresh session takes twice
/// as long as all the rest.
constexpr const char* kCatalogQuery = R"(
WITH t AS MATERIALIZED (
  SELECT c.oid, n.name, c.relname, c.relnamespace, (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = c.relnamespace), c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
         c.relhasrules, c.relhassubclass, c.relispartition, c.relowner
  FROM unnest($2::text[]) AS n (name)
  JOIN pg_catalog.pg_class c ON c.oid = to_regclass(
    CASE WHEN $1 <> '' AND n.name ~ '^("([^"]|"")+"|[^."]+)$' THEN quote_ident($1) || '.' ELSE '' END || n.name)
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm'))
SELECT oid::text, 'table', name, CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
       WHEN 'f' THEN 'foreign table' ELSE 'view' END FROM t
UNION ALL
SELECT oid::text, 'storage', '', CASE relpersistence WHEN 'u' THEN 'UNLOGGED, so empty after a crash' ELSE 'temporary' END
FROM t WHERE relpersistence <> 'p'
UNION ALL
SELECT oid::text, 'row security', '', CASE WHEN relforcerowsecurity THEN 'forced' ELSE 'enabled' END
       || coalesce((SELECT ', policies ' || string_agg(quote_ident(polname), ', ' ORDER BY polname)
                    FROM pg_catalog.pg_policy WHERE polrelid = t.oid), '')
FROM t WHERE relrowsecurity OR relforcerowsecurity
UNION ALL
SELECT ev_class::text, 'rule', rulename::text, pg_catalog.pg_get_ruledef(oid, true)
FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (ARRAY(SELECT oid FROM t WHERE relhasrules)) AND rulename <> '_RETURN'
UNION ALL
SELECT inhparent::text, 'child table', inhrelid::regclass::text, 'present'
FROM pg_catalog.pg_inherits WHERE inhparent = ANY (ARRAY(SELECT oid FROM t WHERE relhassubclass AND relkind = 'r'))
UNION ALL
SELECT oid::text, 'search path', '', nspname || '.' || relname || ' before '
       || (SELECT string_agg(s || '.' || t.relname, ', ') FROM unnest(current_schemas(false)) s
           WHERE s <> nspname AND to_regclass(quote_ident(s) || '.' || quote_ident(t.relname)) IS NOT NULL)
FROM t WHERE $1 = ''
UNION ALL
SELECT attrelid::text, 'column', attname::text, pg_catalog.format_type(atttypid, atttypmod)
       || CASE WHEN attnotnull THEN ' not null' ELSE '' END
       || CASE WHEN attidentity <> '' THEN ' generated as identity' ELSE '' END
       || CASE WHEN atthasdef THEN coalesce(' default ' ||
            (SELECT pg_catalog.pg_get_expr(adbin, adrelid, true) FROM pg_catalog.pg_attrdef
             WHERE adrelid = attrelid AND adnum = attnum), '') ELSE '' END
FROM pg_catalog.pg_attribute WHERE attrelid = ANY (ARRAY(SELECT oid FROM t)) AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT conrelid::text, CASE WHEN contype = 'p' THEN 'primary key' ELSE 'constraint' END,
       CASE WHEN contype = 'p' THEN '' ELSE pg_catalog.pg_get_constraintdef(oid, true) END,
       CASE WHEN contype = 'p' THEN substr(pg_catalog.pg_get_constraintdef(oid, true), 13) ELSE 'present' END
FROM pg_catalog.pg_constraint
WHERE conrelid = ANY (ARRAY(SELECT oid FROM t)) AND contype IN ('p', 'f', 'u', 'c', 'x')
UNION ALL
SELECT confrelid::text, 'reference', conrelid::regclass::text, pg_catalog.pg_get_constraintdef(oid, true)
FROM pg_catalog.pg_constraint
WHERE confrelid = ANY (ARRAY(SELECT oid FROM t)) AND conrelid <> ALL (ARRAY(SELECT oid FROM t)) AND contype = 'f'
UNION ALL
SELECT indrelid::text, 'index',
       (SELECT relname::text FROM pg_catalog.pg_class c WHERE c.oid = indexrelid),
       CASE WHEN indisunique THEN 'unique ' ELSE '' END
       || substring(pg_catalog.pg_get_indexdef(indexrelid, 0, true) FROM ' USING (.*)$')
       || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
FROM pg_catalog.pg_index
WHERE indrelid = ANY (ARRAY(SELECT oid FROM t)) AND indexrelid <> ALL (ARRAY(
  SELECT conindid FROM pg_catalog.pg_constraint
  WHERE conrelid = ANY (ARRAY(SELECT oid FROM t)) AND contype IN ('p', 'u', 'x')))
UNION ALL
SELECT tgrelid::text, 'trigger', tgname::text, pg_catalog.pg_get_triggerdef(oid, true)
       || CASE tgenabled WHEN 'O' THEN '' ELSE ' DISABLED' END
       || ', body ' || (SELECT md5(CASE WHEN p.proname LIKE 'wrktalk\_%' THEN replace(prosrc, p.pronamespace::regnamespace || '.', '')
                                        ELSE prosrc END) FROM pg_catalog.pg_proc p WHERE p.oid = tgfoid)
FROM pg_catalog.pg_trigger WHERE tgrelid = ANY (ARRAY(SELECT oid FROM t)) AND NOT tgisinternal
)";

/// $3: the table beside which our functions lie, and whose owner owns all. Functions name their schema in their bodies, which is no part of
/// what is compared.
constexpr const char* kFunctionsQuery = R"(
UNION ALL
SELECT '', 'function', p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
       CASE WHEN p.prosecdef THEN 'security definer' ELSE 'security invoker' END
       || coalesce(', set ' || array_to_string(p.proconfig, ', set '), ', no settings')
       || ', body ' || md5(replace(p.prosrc, p.pronamespace::regnamespace || '.', ''))
       || CASE WHEN p.proowner = (SELECT relowner FROM t ORDER BY name <> $3 LIMIT 1) THEN ', owner as of ' || $3
               ELSE ', owner ' || p.proowner::regrole END
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = (SELECT relnamespace FROM t ORDER BY name <> $3 LIMIT 1) AND p.proname LIKE 'wrktalk\_%'
UNION ALL
SELECT oid::text, 'owner', '', CASE WHEN relowner = (SELECT relowner FROM t ORDER BY name <> $3 LIMIT 1)
       THEN 'as of ' || $3 ELSE relowner::regrole::text END FROM t)";

auto key(const CatalogItem& item) { return std::tie(item.table, item.kind, item.name); }

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// What fingerprints hold since they say so.
constexpr const char* kFormat = "format";
constexpr const char* kNewestFormat = "2";
const std::set<std::string> kSinceFormat2 = {kFormat,       "storage",   "row security", "rule", "child table",
                                             "search path", "reference", "function",     "owner"};

bool has_format(const Catalog& catalog) {
  return std::any_of(catalog.begin(), catalog.end(), [](const auto& item) { return item.kind == kFormat; });
}

bool is_harmless(const CatalogItem& unexpected) {
  const std::string& definition = unexpected.definition;
  if (unexpected.kind == "reference") return true;
  if (unexpected.kind == "index") return !base::starts_with(definition, "unique ") && !contains(definition, " INVALID");
  return unexpected.kind == "column" &&
         (!contains(definition, " not null") || contains(definition, " default ") || contains(definition, " identity"));
}

/// v4.2 databases made their ids with the extension uuid-ossp.
std::string normalised(std::string definition) {
  const std::string old_default = "uuid_generate_v4()";
  const std::size_t at = definition.find(old_default);
  if (at == std::string::npos) return definition;
  const std::size_t start = definition.rfind(' ', at) + 1;  // with its schema, if any
  return definition.replace(start, at + old_default.size() - start, "gen_random_uuid()");
}

}  // namespace

std::string catalog_text(const Catalog& catalog) {
  std::string text;
  for (const auto& item : catalog) {
    text += item.table + '\t' + item.kind + '\t' + base::one_line(item.name) + '\t' + base::one_line(item.definition) +
            '\n';
  }
  return text;
}

Catalog parse_catalog(std::string_view text) {
  Catalog catalog;
  for (const auto& line : base::split(text, '\n')) {
    auto parts = base::split(line, '\t');
    if (parts.size() != 4) continue;
    catalog.push_back({std::move(parts[0]), std::move(parts[1]), std::move(parts[2]), std::move(parts[3])});
  }
  return catalog;
}

std::vector<std::string> tables_of(const Catalog& catalog) {
  std::vector<std::string> tables;
  for (const auto& item : catalog) {
    if (item.kind == "table") tables.push_back(item.table);
  }
  return tables;
}

Catalog read_catalog(db::raw::Connection& connection, const std::string& schema, const std::vector<std::string>& tables,
                     base::Pulse& pulse, const std::string& owner_of) {
  std::string query = kCatalogQuery;
  std::vector<std::optional<std::string>> parameters{schema, db::Param(tables).c_str()};
  if (!owner_of.empty()) {
    query += kFunctionsQuery;
    parameters.emplace_back(owner_of);
  }
  const auto rows = connection.query(query, parameters, pulse, base::Deadline::never()).rows;
  std::map<std::string, std::string> names;  // by oid; a table that two names mean has the first
  for (const auto& row : rows) {
    if (row[1] == "table") names.emplace(*row[0], *row[2]);
  }
  Catalog catalog;
  if (names.empty()) return catalog;
  catalog.push_back({{}, kFormat, {}, kNewestFormat});
  for (const auto& row : rows) {
    const std::string table = row[0]->empty() ? std::string() : names.at(*row[0]);
    if (!row[3]) continue;
    if (row[1] != "table") {
      catalog.push_back({table, *row[1], base::one_line(row[2].value_or("")), base::one_line(row[3].value_or(""))});
    } else if (row[2] == table) {
      catalog.push_back({table, *row[1], {}, *row[3]});
    }
  }
  std::sort(catalog.begin(), catalog.end(), [](const auto& a, const auto& b) { return key(a) < key(b); });
  return catalog;
}

std::string Difference::text() const {
  std::string what = item.kind;
  if (!item.name.empty()) what += ' ' + item.name;
  if (item.kind != "table" && !item.table.empty()) what += " of";
  if (!item.table.empty()) what += ' ' + item.table;
  what += ": ";
  if (expected.empty()) return what + "not expected, found " + found;
  return what + "expected " + expected + ", found " + (found.empty() ? "nothing" : found);
}

Comparison compare(const Catalog& expected, const Catalog& found) {
  // An older program wrote down less.
  const bool is_old = !has_format(expected);
  std::map<decltype(key(expected.front())), const CatalogItem*> there;
  for (const auto& item : found) {
    if (!is_old || kSinceFormat2.count(item.kind) == 0) there.emplace(key(item), &item);
  }
  const auto found_tables = tables_of(found);
  const std::set<std::string> present(found_tables.begin(), found_tables.end());

  Comparison comparison;
  for (const auto& item : expected) {
    if (item.kind == kFormat) {
      there.erase(key(item));
      continue;
    }
    if (item.kind != "table" && !item.table.empty() && present.count(item.table) == 0) continue;
    const auto at = there.find(key(item));
    const std::string definition = at == there.end() ? std::string() : at->second->definition;
    if (normalised(definition) != normalised(item.definition)) {
      comparison.differences.push_back({item, item.definition, definition});
    }
    if (at != there.end()) there.erase(at);
  }
  for (const auto& item : found) {
    if (there.count(key(item)) == 0) continue;
    auto& list = is_harmless(item) ? comparison.harmless : comparison.differences;
    list.push_back({item, {}, item.definition});
  }
  return comparison;
}

}  // namespace wrktalk::migrate
