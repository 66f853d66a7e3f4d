// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/settings.hpp"
#include "tests/support/have.hpp"

#include <string>

namespace wrktalk::test {

/// The PostgreSQL server of this test program: the one that WRKTALK_TEST_PG names (a conninfo without dbname, a superuser,
/// trusted), else a private cluster on a unix socket (fsync off) that is started at first use and ends with the program.
/// Throws when there is none; `require_postgres` says SKIP instead.
class PgCluster {
 public:
  static PgCluster& instance();
  /// conninfo without dbname.
  const std::string& conninfo() const noexcept { return conninfo_; }
  std::string host() const;
  std::string port() const;
  std::string user() const;

 private:
  PgCluster();
  ~PgCluster();
  std::string conninfo_;
  std::string directory_;
  int pid_ = -1;
};

/// A database of its own for one case, dropped at the end.
class TestDatabase {
 public:
  /// `sql_files`: migration files to run at once, relative to the source tree ("migrations/agent/001_agent_tables.up.sql").
  explicit TestDatabase(std::initializer_list<const char*> sql_files = {});
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& name() const noexcept { return name_; }
  db::ConnectionSettings settings() const;

 private:
  std::string name_;
};

/// The agent's tables.
inline const std::initializer_list<const char*> kAgentTables = {
    "migrations/agent/001_agent_tables.up.sql", "migrations/agent/002_targets_leases_outbox.up.sql",
    "migrations/agent/003_task_memory.up.sql",  "migrations/agent/004_maintenance_proxies.up.sql",
    "migrations/agent/005_housekeeping.up.sql", "migrations/agent/006_rights.up.sql",
    "migrations/agent/007_notify_queue.up.sql", "migrations/agent/008_release_images.up.sql",
    "migrations/agent/009_target_types.up.sql", "migrations/agent/010_release_manifest.up.sql",
    "migrations/agent/011_site_settings.up.sql"};

/// As have(), for a PostgreSQL server.
bool have_postgres();

/// The source tree, for files of the repository.
std::string source_dir();

}  // namespace wrktalk::test
