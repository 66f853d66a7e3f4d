// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/statements.hpp"

#include "core/base/error.hpp"
#include "core/migrate/source.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::migrate;

namespace {

std::string refusal(const std::string& sql, bool transactional = true) {
  try {
    checked_sql(make_script("f.sql", (transactional ? "" : "-- wrktalk: no-transaction\n") + sql));
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("migrate::statements") {
  TEST_CASE("semicolons in quotes, comments, parentheses and bodies end nothing") {
    for (const char* one : {
             "select ';', E'\\';', U&'\\0441', \"a;b\" -- ; comment\n /* ; /* nested ; */ ; */ ;",
             "create function f() returns int language plpgsql as $$ begin; commit; end $$",
             "create function f() returns int language sql as $a$ select $1; $$ ; $$ $a$;",
             "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end;",
             "create rule r as on insert to t do (select 1; select 2);",
             "do $body$ begin commit; end $body$",
             "select $1, a$b from t;",
         }) {
      CAPTURE(one);
      CHECK(statements(one).size() == 1);
      CHECK(refusal(one) == "");
    }
    CHECK(statements(" ; ;select 1;-- end\nselect 2").size() == 2);
    CHECK(statements("-- nothing\n").empty());
    CHECK(statements("select 'never closed").size() == 1);
  }

  TEST_CASE("transaction control is refused with its line, but for a pair around the whole file") {
    CHECK(refusal("select 1;\n\n  commit;\nselect 2;") ==
          "f.sql:3: COMMIT would end the transaction that the migration runs in");
    CHECK(refusal("BEGIN; select 1; COMMIT; select 2; END") != "");
    CHECK(refusal("rollback") != "");
    CHECK(refusal("savepoint a; select 1; rollback to savepoint a") == "");
    CHECK(refusal("copy t from stdin;") == "f.sql:1: COPY from or to the client is not possible in a migration");
    CHECK(checked_sql(make_script("f.sql", "-- x\nBEGIN;\nselect 1;\nCOMMIT;\n")) ==
          "-- x\n      \nselect 1;\n       \n");
    CHECK(checked_sql(make_script("f.sql", "start transaction; select 1; commit")) ==
          "                   select 1;       ");
  }

  TEST_CASE("what pg_dump writes for psql is blanked, other commands of psql are refused with their line and a hint") {
    CHECK(checked_sql(make_script("f.sql", "\\restrict aB3\nSET a = 0;\nselect 1;\n\\unrestrict aB3\n")) ==
          "             \nSET a = 0;\nselect 1;\n               \n");
    CHECK(statements("\\restrict a\n").empty());
    CHECK(refusal("select 1;\n\\i other.sql\n") == "f.sql:2: \\i is a command of psql, and not SQL");
    CHECK(refusal("select 1;\n\\connect shop\nselect 2;") == "f.sql:2: \\connect is a command of psql, and not SQL");
    CHECK(refusal("select 'create' \\gexec\n") == "f.sql:1: \\gexec is a command of psql, and not SQL");
    CHECK(refusal("select 1 \\restrict a\n") == "f.sql:1: \\restrict is a command of psql, and not SQL");
    CHECK(refusal("select '\\i', E'\\\\', $$\n\\i x\n$$; -- \\i\n") == "");
    CHECK(refusal("copy t from stdin;\na\\tb\n\\.\n") ==
          "f.sql:1: COPY from or to the client is not possible in a migration");
    for (const char* command : {"\\i", "\\ir", "\\copy", "\\c", "\\set", "\\.", "\\echo"}) {
      CAPTURE(command);
      try {
        checked_sql(make_script("f.sql", std::string(command) + " x\n"));
        FAIL("no error");
      } catch (const base::Error& error) {
        CHECK(error.hint() != "");
      }
    }
  }

  TEST_CASE("a setting that only newer servers know is taken out of what pg_dump wrote") {
    const std::string sql = "SET lock_timeout = 0;\nSET transaction_timeout = 0;\nselect 'SET transaction_timeout';";
    CHECK(without_unknown_settings(sql, 170'000) == sql);
    CHECK(without_unknown_settings(sql, 160'000) ==
          "SET lock_timeout = 0;\n                            \nselect 'SET transaction_timeout';");
  }

  TEST_CASE("a no-transaction file holds one statement") {
    CHECK(refusal("create index concurrently i on t (a);", false) == "");
    CHECK(refusal("create index concurrently i on t (a); select 1", false) ==
          "f.sql is marked no-transaction and holds 2 statements");
    CHECK(concurrent_index("create unique index concurrently if not exists \"My i\" on t (a)") == "\"My i\"");
    CHECK(concurrent_index("create index concurrently on t (a)") == std::nullopt);
    CHECK(concurrent_index("vacuum t") == std::nullopt);
  }
}

TEST_SUITE("migrate::source") {
  TEST_CASE("an error shows its place, counted in characters") {
    db::raw::ScriptError error(base::Kind::database, "short", "42601");
    error.message = "syntax error";
    error.detail = "why";
    const Script script = make_script("f.sql", "-- ü\r\nselect 'ü', x y z;\r\nselect 1;");
    error.position = 11 + 21;  // behind what was sent before, the y in the second line
    const auto shown = located(error, script, "BEGIN; -- ü");
    CHECK(std::string(shown.what()) ==
          "f.sql:2:15: syntax error (SQLSTATE 42601)\n  2 | select 'ü', x y z;\n    |               ^\n  detail: why");
    error.position = 3;
    error.detail.clear();
    CHECK(std::string(located(error, script, "BEGIN; -- ü").what()) == "f.sql: syntax error (SQLSTATE 42601)");
  }

  TEST_CASE("an error behind the last character stands at its end") {
    db::raw::ScriptError error(base::Kind::database, "short", "42601");
    error.message = "syntax error at end of input";
    const Script script = make_script("f.sql", "select (");
    error.position = 9;
    CHECK(std::string(located(error, script, "").what()).find("f.sql:1:9: ") == 0);
  }
}
