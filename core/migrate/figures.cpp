// SPDX-License-Identifier: Apache-2.0
#include "core/db/session.hpp"
#include "core/migrate/sql.hpp"
#include "core/migrate/verify.hpp"

#include <algorithm>

namespace wrktalk::migrate {
namespace {

using base::Deadline;

/// In all; a few tenths of a second.
constexpr std::int64_t kSmallBytes = 256LL * 1024 * 1024;
/// Planning one statement for many tables takes longer than running it.
constexpr std::size_t kTablesAtOnce = 50;

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
  const auto found = connection.query(sql::figures, {db::Param(tables).c_str(), db::Param(named(site, tables)).c_str()},
                                      pulse, Deadline::never());
  all.reserve(found.rows.size());
  std::vector<TableFigures*> counted;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < found.rows.size(); ++i) {
    const auto of = [&](const char* column) { return found.at(i, column); };
    TableFigures& figures = all.emplace_back();
    figures.table = of("table_name").value();
    figures.columns = std::stoll(of("columns").value());
    figures.indexes = std::stoll(of("indexes").value());
    figures.size_bytes = std::stoll(of("size_bytes").value_or("0"));
    if (of("is_local") != "t") continue;
    if (const auto tuples = of("tuples")) figures.rows = std::stoll(*tuples);
    figures.is_estimate = true;
    const std::int64_t more = std::stoll(of("bytes").value_or("0"));
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
