// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw_result.hpp"

#include <algorithm>
#include <stdexcept>

namespace wrktalk::db::raw {

std::string field(const PGresult* result, int code) {
  const char* text = ::PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

std::vector<const char*> pointers(const std::vector<std::optional<std::string>>& params) {
  std::vector<const char*> out;
  out.reserve(params.size());
  for (const auto& param : params) out.push_back(param ? param->c_str() : nullptr);
  return out;
}

const std::optional<std::string>& Table::at(std::size_t row, std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end()) throw std::out_of_range("no column " + std::string(column));
  return rows.at(row).at(static_cast<std::size_t>(found - columns.begin()));
}

Table table_of(const PGresult* result) {
  Table table;
  const int columns = ::PQnfields(result);
  for (int c = 0; c < columns; ++c) table.columns.emplace_back(::PQfname(result, c));
  for (int r = 0; r < ::PQntuples(result); ++r) {
    auto& row = table.rows.emplace_back();
    for (int c = 0; c < columns; ++c) {
      if (::PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(
            std::string(::PQgetvalue(result, r, c), static_cast<std::size_t>(::PQgetlength(result, r, c))));
      }
    }
  }
  return table;
}

SessionLimits limits_of(const ConnectionSettings& settings) { return {{}, settings.lock_timeout, {}}; }

bool is_good(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

}  // namespace wrktalk::db::raw
