// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/tables.hpp"
#include "core/backup/tools.hpp"
#include "core/db/settings.hpp"
#include "core/exec/run.hpp"

namespace wrktalk::backup {

/// pg_dump of these tables to its stdout: structure and rows, without owners and rights, which belong to the place where
/// they are restored. It waits a minute at most for a lock that a migration holds.
inline exec::Spec dump_spec(const Tools& tools, const db::ConnectionSettings& database, const Tables& tables,
                            bool custom) {
  exec::Spec spec =
      tools.connecting("pg_dump", database,
                       {"--no-owner", "--no-privileges", "--no-tablespaces", "--strict-names", "--encoding=UTF8",
                        "--lock-wait-timeout=60000", custom ? "--format=custom" : "--format=plain"});
  for (const auto& table : tables.there) spec.argv.push_back("--table=" + tables.schema + "." + table);
  return spec;
}

}  // namespace wrktalk::backup
