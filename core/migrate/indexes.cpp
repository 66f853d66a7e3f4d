// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/indexes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"
#include "core/migrate/statements.hpp"

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::string_view kUnique = "unique ";

/// $1: schema of the names without one, $2: tables, $3: indexes.
constexpr const char* kQuery = R"(
SELECT x.indexrelid::regclass::text, x.indrelid::regclass::text, pg_catalog.pg_get_indexdef(x.indexrelid), i.relkind = 'I',
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid)
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
WHERE NOT x.indisvalid AND (
  x.indrelid IN (SELECT to_regclass(CASE WHEN t ~ '^("([^"]|"")+"|[^."]+)$' THEN quote_ident($1) || '.' ELSE '' END || t)
                 FROM unnest($2::text[]) AS t)
  OR x.indexrelid IN (SELECT to_regclass(n) FROM unnest($3::text[]) AS n))
ORDER BY 1)";

bool is_leftover(const std::string& name) {
  const std::size_t last = name.find_last_not_of("0123456789\"");
  const std::string_view stem = std::string_view(name).substr(0, last + 1);
  return base::ends_with(stem, "_ccnew") || base::ends_with(stem, "_ccold");
}

/// "CREATE UNIQUE INDEX n ON ..." as it is built beside readers and writers.
std::string concurrently(std::string definition) {
  const std::string word = "INDEX ";
  return definition.insert(definition.find(word) + word.size(), "CONCURRENTLY IF NOT EXISTS ");
}

}  // namespace

std::vector<InvalidIndex> invalid_indexes(db::raw::Connection& connection, const Site& site, const Set& set,
                                          const std::vector<std::string>& tables, base::Pulse& pulse) {
  std::vector<std::string> names;
  for (const auto& migration : set.migrations) {
    if (migration.up.transactional) continue;
    if (auto name = concurrent_index(migration.up.sql)) names.push_back(std::move(*name));
  }
  std::vector<InvalidIndex> found;
  const auto rows = connection.query(kQuery, {site.schema, db::Param(tables).c_str(), db::Param(names).c_str()}, pulse,
                                     Deadline::never());
  for (const auto& row : rows.rows) {
    found.push_back({row[0].value(), row[1].value(), row[2].value(), row[3] == "t", row[4] == "t"});
  }
  return found;
}

std::vector<ExpectedIndex> indexes_to_build(const Comparison& comparison) {
  std::vector<ExpectedIndex> indexes;
  for (const auto& [item, expected, found] : comparison.differences) {
    const bool to_build =
        item.kind == "index" && !expected.empty() && (found.empty() || base::ends_with(found, " INVALID"));
    if (!to_build) continue;
    const std::string unique = base::starts_with(expected, kUnique) ? "UNIQUE " : "";
    const std::string name = db::quote_identifier(item.name);
    indexes.push_back({schema_of(item.table) + name, "CREATE " + unique + "INDEX CONCURRENTLY IF NOT EXISTS " + name +
                                                         " ON " + item.table + " USING " +
                                                         expected.substr(unique.size())});
  }
  return indexes;
}

void rebuild(Applier& applier, const std::string& what, const InvalidIndex& index) {
  if (index.is_partitioned) {
    throw Error(Kind::failed, "index " + index.name + " of the partitioned table " + index.table + " is INVALID",
                "build it on each partition, then ALTER INDEX " + index.name + " ATTACH PARTITION ...");
  }
  if (is_leftover(index.name)) {
    applier.drop_index(what, index.name);
  } else {
    applier.build_index(what, index.name, concurrently(index.definition));
  }
}

}  // namespace wrktalk::migrate
