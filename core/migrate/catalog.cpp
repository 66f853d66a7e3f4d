// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/catalog.hpp"

#include "core/base/text.hpp"
#include "core/db/session.hpp"
#include "core/migrate/sql.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace wrktalk::migrate {
namespace {

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
  std::vector<std::optional<std::string>> parameters{schema, db::Param(tables).c_str()};
  if (!owner_of.empty()) parameters.emplace_back(owner_of);
  const char* const query = owner_of.empty() ? sql::catalog : sql::catalog_with_functions;
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
