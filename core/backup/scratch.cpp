// SPDX-License-Identifier: Apache-2.0
#include "core/backup/scratch.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <ctime>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Deadline;

constexpr const char* kPrefix = "wrktalk_verify_";
constexpr const char* kLockClass = "hashtext('wrktalk backup verify')";

/// SQL: whether a session holds the lock of the database `datname`; wherever it is connected to, since each database has
/// advisory locks of its own.
std::string is_in_use() {
  const auto as_oid = [](const std::string& number) { return "(" + number + "::bigint & 4294967295)"; };
  return "EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND "
         "l.classid::bigint = " +
         as_oid(kLockClass) + " AND l.objid::bigint = " + as_oid("hashtext(datname::text)") + ")";
}

}  // namespace

db::ConnectionSettings with_database(db::ConnectionSettings settings, const std::string& name) {
  auto& all = settings.parameters;
  all.erase(std::remove_if(all.begin(), all.end(), [](const auto& p) { return p.first == "dbname"; }), all.end());
  all.emplace_back("dbname", name);
  return settings;
}

ScratchDatabase::ScratchDatabase(const db::ConnectionSettings& server, base::Pulse& pulse) : connection_(server) {
  const auto left = connection_.query(std::string("SELECT datname FROM pg_database WHERE starts_with(datname, '") +
                                          kPrefix + "') AND NOT " + is_in_use(),
                                      {}, pulse, Deadline::never());
  for (const auto& row : left.rows) {
    log::warn("backup.swept", "dropping a database that an interrupted verification left", {{"database", *row[0]}});
    drop(*row[0]);
  }
  const std::string name = kPrefix + std::to_string(std::time(nullptr)) + "_" + std::to_string(::getpid());
  connection_.query(std::string("SELECT pg_advisory_lock(") + kLockClass + ", hashtext($1))", {name}, pulse,
                    Deadline::never());
  connection_.script("CREATE DATABASE " + name + " TEMPLATE template0", pulse, Deadline::never());
  name_ = name;
  settings_ = with_database(server, name);
}

ScratchDatabase::~ScratchDatabase() { drop(name_); }

void ScratchDatabase::drop(const std::string& name) noexcept {
  try {
    base::NoPulse quiet;
    connection_.script("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", quiet,
                       Deadline::in(std::chrono::minutes(1)));
  } catch (const base::Error& error) {
    log::warn("backup.scratch", "a throw-away database is left; the next verification drops it",
              {{"database", name}, {"reason", error.what()}});
  }
}

}  // namespace wrktalk::backup
