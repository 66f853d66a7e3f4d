// SPDX-License-Identifier: Apache-2.0
#include "core/images/usage.hpp"

#include "core/images/sql.hpp"

namespace wrktalk::images {

bool has_tables(db::Session& db) { return db.run(sql::has_tables)[0][0].as<bool>(); }

std::map<std::string, Usage> usage(db::Session& db) {
  std::map<std::string, Usage> out;
  if (!has_tables(db)) return out;
  for (const auto& row : db.run(sql::usage)) {
    out[row["artifact_id"].as<std::string>()] = {row["images"].as<std::int64_t>(), row["size_bytes"].as<std::int64_t>(),
                                                 row["shared_bytes"].as<std::int64_t>()};
  }
  return out;
}

}  // namespace wrktalk::images
