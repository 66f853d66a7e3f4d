// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/version.hpp"

#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::migrate;

namespace {

constexpr const char* kCheckpointTables = "migrations/checkpoint/001_create_checkpointer_tables.up.sql";

}  // namespace

TEST_SUITE("migrate::version") {
  TEST_CASE("the version of the checkpoint tables is LangGraph's, and 0 where there are none") {
    if (!test::have_postgres()) return;
    base::NoPulse pulse;
    const test::TestDatabase empty;
    db::raw::Connection nothing(empty.settings());
    CHECK(schema_version(nothing, "checkpoint", pulse) == 0);
    const test::TestDatabase made{kCheckpointTables};
    db::raw::Connection connection(made.settings());
    CHECK(schema_version(connection, "checkpoint", pulse) == 9);
  }

  TEST_CASE("the version row that counts lies in the schema of the checkpoint tables") {
    if (!test::have_postgres()) return;
    base::NoPulse pulse;
    const test::TestDatabase made{kCheckpointTables};
    db::raw::Connection connection(made.settings());
    const auto run = [&](const char* sql) { connection.script(sql, pulse, base::Deadline::never()); };
    run("CREATE SCHEMA app; ALTER TABLE checkpoints SET SCHEMA app; ALTER TABLE checkpoint_blobs SET SCHEMA app;"
        "SET search_path = app, public");
    CHECK(schema_version(connection, "checkpoint", pulse) == 0);
    run("CREATE TABLE app.checkpoint_migrations (v integer); INSERT INTO app.checkpoint_migrations VALUES (4);"
        "SET search_path = public, app");
    CHECK(schema_version(connection, "checkpoint", pulse) == 4);
  }
}
