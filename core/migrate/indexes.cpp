// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/indexes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"
#include "core/migrate/sql.hpp"
#include "core/migrate/statements.hpp"

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::string_view kUnique = "unique ";

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
  const auto rows =
      connection.query(sql::invalid_indexes, {site.schema, db::Param(tables).c_str(), db::Param(names).c_str()}, pulse,
                       Deadline::never());
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const auto of = [&](const char* column) { return rows.at(i, column); };
    found.push_back({of("name").value(), of("table_name").value(), of("definition").value(),
                     of("is_partitioned") == "t", of("is_being_built") == "t"});
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
