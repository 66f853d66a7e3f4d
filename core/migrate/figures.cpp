// SPDX-License-Identifier: Apache-2.0
#include "core/db/session.hpp"
#include "core/migrate/verify.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;

/// In all; a few tenths of a second.
constexpr std::int64_t kSmallBytes = 256LL * 1024 * 1024;
/// Planning one statement for many tables takes longer than running it.
constexpr std::size_t kTablesAtOnce = 50;

/// $1: names as they are shown, $2: the same as the server finds them. Rows: name, columns, indexes, size with all that belongs
/// to it, bytes that a count reads, rows as of the statistics, whether it may be counted. A partitioned table is what its
/// partitions are, unless one of them lies on another server.
constexpr const char* kFigures = R"(
SELECT n.shown,
  (SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
  pg_catalog.pg_total_relation_size(c.oid), read.bytes, read.tuples, read.is_local
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (shown, name, place)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(n.name)
CROSS JOIN LATERAL (
  SELECT pg_catalog.pg_relation_size(c.oid) AS bytes,
         CASE WHEN c.reltuples > 0 OR (c.reltuples = 0 AND c.relpages > 0) THEN c.reltuples::bigint END AS tuples,
         c.relkind = 'r' AND NOT c.relhassubclass AS is_local
  WHERE c.relkind <> 'p'
  UNION ALL
  SELECT coalesce(sum(pg_catalog.pg_relation_size(leaf.oid)), 0),
         sum(CASE WHEN leaf.reltuples > 0 THEN leaf.reltuples END)::bigint,
         coalesce(bool_and(leaf.relkind = 'r'), true)
  FROM pg_catalog.pg_partition_tree(c.oid) part JOIN pg_catalog.pg_class leaf ON leaf.oid = part.relid AND part.isleaf
  WHERE c.relkind = 'p' HAVING c.relkind = 'p') AS read
ORDER BY n.place)";

using Names = std::vector<std::string>;

Names named(const Site& site, const Names& tables) {
  Names names;
  for (const auto& table : tables) names.push_back(site.named(table));
  return names;
}

/// Exact numbers for those `chosen` among `all`.
void count_rows(db::raw::Connection& connection, const Site& site, const std::vector<TableFigures*>& chosen,
                base::Pulse& pulse) {
  for (std::size_t first = 0; first < chosen.size(); first += kTablesAtOnce) {
    const std::size_t end = std::min(chosen.size(), first + kTablesAtOnce);
    std::string query = "SELECT ";
    for (std::size_t i = first; i < end; ++i) {
      query +=
          (i == first ? "(SELECT count(*) FROM " : ", (SELECT count(*) FROM ") + site.named(chosen[i]->table) + ")";
    }
    const auto row = connection.query(query, {}, pulse, Deadline::never()).rows.at(0);
    for (std::size_t i = first; i < end; ++i) {
      chosen[i]->rows = std::stoll(row[i - first].value());
      chosen[i]->is_estimate = false;
    }
  }
}

}  // namespace

std::vector<TableFigures> table_figures(db::raw::Connection& connection, const Site& site, const Names& tables,
                                        Count count, base::Pulse& pulse) {
  std::vector<TableFigures> all;
  if (tables.empty()) return all;
  const auto rows = connection
                        .query(kFigures, {db::Param(tables).c_str(), db::Param(named(site, tables)).c_str()}, pulse,
                               Deadline::never())
                        .rows;
  all.reserve(rows.size());
  std::vector<TableFigures*> counted;
  std::int64_t bytes = 0;
  for (const auto& row : rows) {
    TableFigures& figures = all.emplace_back();
    figures.table = row[0].value();
    figures.columns = std::stoll(row[1].value());
    figures.indexes = std::stoll(row[2].value());
    figures.size_bytes = std::stoll(row[3].value_or("0"));
    if (row[6] != "t") continue;
    if (row[5]) figures.rows = std::stoll(*row[5]);
    figures.is_estimate = true;
    const std::int64_t more = std::stoll(row[4].value_or("0"));
    if (count == Count::small && bytes + more > kSmallBytes) continue;
    bytes += more;
    if (more == 0) {
      figures.rows = 0;
      figures.is_estimate = false;
    } else {
      counted.push_back(&figures);
    }
  }
  count_rows(connection, site, counted, pulse);
  return all;
}

}  // namespace wrktalk::migrate
