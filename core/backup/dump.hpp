// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/tables.hpp"
#include "core/backup/tools.hpp"
#include "core/db/settings.hpp"
#include "core/exec/run.hpp"

namespace wrktalk::backup {

/// pg_dump of these tables to its stdout: structure and rows, without owners and rights, which belong to the place where
/// they are restored. It waits no longer for a lock than other statements of ours. `server` is another connection to the
/// same database.
inline exec::Spec dump_spec(const Tools& tools, const db::ConnectionSettings& database,
                            const db::raw::Connection& server, const Tables& tables, bool custom) {
  exec::Spec spec = tools.connecting("pg_dump", database, server,
                                     {"--no-owner", "--no-privileges", "--no-tablespaces", "--strict-names",
                                      "--encoding=UTF8", custom ? "--format=custom" : "--format=plain",
                                      "--lock-wait-timeout=" + std::to_string(database.lock_timeout.count())});
  for (const auto& table : tables.there) spec.argv.push_back("--table=" + tables.schema + "." + table);
  return spec;
}

/// Throws as need_good does; a lock that pg_dump has not got is SqlError(busy).
inline void need_dumped(const exec::Outcome& outcome, const exec::Spec& spec) {
  constexpr const char* kNoLock = "canceling statement due to lock timeout";
  if (outcome.err.find(kNoLock) == std::string::npos) return need_good(outcome, spec);
  throw db::SqlError(base::Kind::busy, std::string("a table is in use: pg_dump says: ") + kNoLock, "55P03",
                     db::hint_of_sqlstate("55P03"));
}

}  // namespace wrktalk::backup
