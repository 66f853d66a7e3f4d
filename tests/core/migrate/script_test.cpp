// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/script.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::migrate;
using namespace std::chrono_literals;

TEST_SUITE("migrate::script") {
  TEST_CASE("a header says how a file is run") {
    const Script script = make_script("a.up.sql",
                                      "\n-- Migration 001: A\r\n-- wrktalk: no-transaction lock-timeout=2s\r\n"
                                      "--\n-- wrktalk: statement-timeout=10m\nreindex table a;\n");
    CHECK_FALSE(script.transactional);
    CHECK(script.lock_timeout == 2s);
    CHECK(script.statement_timeout == 10min);
  }

  TEST_CASE("only comments at the top are a header") {
    const Script script = make_script("a.up.sql", "create table a ();\n-- wrktalk: no-transaction\ncreate table b ();");
    CHECK(script.transactional);
    CHECK_FALSE(script.lock_timeout.has_value());
  }

  TEST_CASE("a word that nobody knows is refused with its line") {
    CHECK_THROWS_WITH_AS(make_script("a.up.sql", "-- A\n-- wrktalk: no-transactions\nselect 1"),
                         "a.up.sql:2: unknown word 'no-transactions'", base::Error);
    CHECK_THROWS_AS(make_script("a.up.sql", "-- wrktalk: lock-timeout=soon\nselect 1"), base::Error);
    CHECK_THROWS_AS(make_script("a.up.sql", "-- wrktalk: lock-timeout\nselect 1"), base::Error);
    CHECK_THROWS_AS(make_script("a.up.sql", std::string("select 1\0;", 10)), base::Error);
  }

  TEST_CASE("one statement that refuses transactions needs no mark") {
    for (const char* sql :
         {"create index concurrently a_idx on a (i)", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_idx ON a (i);",
          "-- why\ndrop index concurrently a_idx;", "reindex (verbose) table concurrently a", "vacuum analyze a"}) {
      CAPTURE(sql);
      CHECK_FALSE(make_script("a.up.sql", sql).transactional);
    }
    for (const char* sql : {"create index a_idx on a (i)", "refresh materialized view concurrently a",
                            "create index concurrently a_idx on a (i); create index concurrently b_idx on a (i)", ""}) {
      CAPTURE(sql);
      CHECK(make_script("a.up.sql", sql).transactional);
    }
  }
}
