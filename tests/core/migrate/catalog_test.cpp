// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/catalog.hpp"

#include "core/base/files.hpp"
#include "core/migrate/migration.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace wrktalk;
using namespace wrktalk::migrate;

namespace {

Catalog whole_schema(db::raw::Connection& connection, const std::string& owner_of) {
  base::NoPulse pulse;
  std::vector<std::string> tables;
  const auto rows =
      connection.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'", {},
                       pulse, base::Deadline::never());
  for (const auto& row : rows.rows) tables.push_back(row[0].value());
  return read_catalog(connection, "public", tables, pulse, owner_of);
}

std::string text_of(const std::vector<Difference>& differences) {
  std::string text;
  for (const auto& difference : differences) text += difference.text() + "\n";
  return text;
}

}  // namespace

TEST_SUITE("migrate::catalog") {
  TEST_CASE("the built-in fingerprints are what the migrations make") {
    if (!test::have_postgres()) return;
    for (const char* name : {"agent", "checkpoint"}) {
      CAPTURE(name);
      const Set set = embedded_set(name);
      const test::TestDatabase database;
      db::raw::Connection connection(database.settings());
      base::NoPulse pulse;
      for (const auto& migration : set.migrations) connection.script(migration.up.sql, pulse, base::Deadline::never());
      const std::string made = catalog_text(whole_schema(connection, set.owner_of));
      // After a change of migrations/: WRKTALK_UPDATE_FINGERPRINTS=1 migrate_test
      if (std::getenv("WRKTALK_UPDATE_FINGERPRINTS") != nullptr) {
        base::write_file(test::source_dir() + "/migrations/" + name + "/fingerprint.tsv", made, 0644);
      } else {
        CHECK(text_of(compare(parse_catalog(set.fingerprint), parse_catalog(made)).differences) == "");
        CHECK(made == set.fingerprint);
      }
    }
  }

  TEST_CASE("each kind of drift is one difference that names what was expected and what was found") {
    if (!test::have_postgres()) return;
    struct Case {
      const char* sql;
      const char* difference;
    };
    const Case cases[] = {
        {"drop table b", "table b: expected table, found nothing\n"},
        {"alter table b drop column c",
         "column c of b: expected text default 'x'::text, found nothing\n"
         "index b_idx of b: expected btree (c), found nothing\n"},
        {"alter table b alter column c type varchar(9), alter column c drop default",
         "column c of b: expected text default 'x'::text, found character varying(9)\n"},
        {"alter table b alter column c set not null",
         "column c of b: expected text default 'x'::text, found text not null default 'x'::text\n"},
        {"drop index b_idx", "index b_idx of b: expected btree (c), found nothing\n"},
        {"drop index b_idx; create index b_idx on b (a)", "index b_idx of b: expected btree (c), found btree (a)\n"},
        {"update pg_index set indisvalid = false where indexrelid = 'b_idx'::regclass",
         "index b_idx of b: expected btree (c), found btree (c) INVALID\n"},
        {"alter table b drop constraint b_pkey", "primary key of b: expected (id), found nothing\n"},
        {"alter table b drop constraint b_a_fkey",
         "constraint FOREIGN KEY (a) REFERENCES a(id) of b: expected present, found nothing\n"},
        {"alter table b add constraint positive check (id > 0)",
         "constraint CHECK (id > 0) of b: not expected, found present\n"},
        {"alter table b add column extra int not null", "column extra of b: not expected, found integer not null\n"},
        {"create unique index extra on b (c)", "index extra of b: not expected, found unique btree (c)\n"},
        {"alter table b set unlogged", "storage of b: not expected, found UNLOGGED, so empty after a crash\n"},
        {"alter table b enable row level security", "row security of b: not expected, found enabled\n"},
        {"alter table b force row level security", "row security of b: not expected, found forced\n"},
        {"create table c () inherits (b)", "child table c of b: not expected, found present\n"},
        {"create rule r as on delete to b do instead nothing",
         "rule r of b: not expected, found CREATE RULE r AS     ON DELETE TO b DO INSTEAD NOTHING;\n"},
    };
    for (const auto& item : cases) {
      CAPTURE(item.sql);
      const test::TestDatabase database;
      db::raw::Connection connection(database.settings());
      base::NoPulse pulse;
      connection.script(
          "create table a (id int primary key);"
          "create table b (id int primary key, a int references a, c text default 'x');"
          "create index b_idx on b (c)",
          pulse, base::Deadline::never());
      const Catalog before = read_catalog(connection, "public", {"a", "b"}, pulse);
      CHECK(compare(before, parse_catalog(catalog_text(before))).differences.empty());
      connection.script(item.sql, pulse, base::Deadline::never());
      const auto comparison = compare(before, read_catalog(connection, "public", {"a", "b"}, pulse));
      CHECK(text_of(comparison.differences) == item.difference);
      CHECK(comparison.harmless.empty());
    }
  }

  TEST_CASE("what an older program wrote down is compared as far as it goes") {
    const Catalog old = parse_catalog("t\ttable\t\ttable\n");
    const Catalog found = parse_catalog("\tformat\t\t2\nt\ttable\t\ttable\nt\tstorage\t\tUNLOGGED\n");
    CHECK(text_of(compare(old, found).differences) == "");
    const Catalog since = parse_catalog("\tformat\t\t2\nt\ttable\t\ttable\n");
    CHECK(text_of(compare(since, found).differences) == "storage of t: not expected, found UNLOGGED\n");
  }

  TEST_CASE("without a schema each table is the one that the search path finds, and those it hides are named") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    connection.script(
        "create table a (id int); create table b (id int); create schema app; create table app.a (id text);"
        "set search_path = app, public",
        pulse, base::Deadline::never());
    const Catalog found = read_catalog(connection, "", {"a", "b"}, pulse);
    CHECK(catalog_text(found) ==
          "\tformat\t\t2\na\tcolumn\tid\ttext\na\tsearch path\t\tapp.a before public.a\na\ttable\t\ttable\n"
          "b\tcolumn\tid\tinteger\nb\ttable\t\ttable\n");
  }

  TEST_CASE("a function that acts as its owner, its settings and owners are compared wherever the schema") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    const auto made_in = [&](const std::string& schema) {
      connection.script("create schema " + schema + "; create table " + schema + ".a (id int); create function " +
                            schema +
                            ".wrktalk_f() returns bigint language sql security definer set search_path = "
                            "pg_catalog, pg_temp as 'select count(*) from " +
                            schema + ".a'",
                        pulse, base::Deadline::never());
      return read_catalog(connection, schema, {"a"}, pulse, "a");
    };
    const auto differences_after = [&](const Catalog& before, const char* sql) {
      connection.script(sql, pulse, base::Deadline::never());
      return text_of(compare(before, read_catalog(connection, "one", {"a"}, pulse, "a")).differences);
    };
    const Catalog before = made_in("one");
    CHECK(text_of(compare(before, made_in("two")).differences) == "");
    CHECK(differences_after(before, "alter function one.wrktalk_f() security invoker").find("security invoker") !=
          std::string::npos);
    CHECK(differences_after(before, "alter function one.wrktalk_f() security definer reset all").find("no settings") !=
          std::string::npos);
    connection.script("alter function one.wrktalk_f() set search_path = pg_catalog, pg_temp", pulse,
                      base::Deadline::never());
    CHECK(differences_after(before, "alter function one.wrktalk_f() owner to pg_monitor").find("owner pg_monitor") !=
          std::string::npos);
  }

  TEST_CASE("a table that is asked for by two names is there once") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    connection.script("create table a (id int primary key, note text default 'x')", pulse, base::Deadline::never());
    const Catalog twice = read_catalog(connection, "public", {"a", "\"a\"", "absent"}, pulse);
    CHECK(tables_of(twice).size() == 1);
    CHECK(twice.size() == read_catalog(connection, "public", {"a"}, pulse).size());
  }

  TEST_CASE("a trigger is compared with the body of its function") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    const auto catalog_after = [&](const char* sql) {
      connection.script(sql, pulse, base::Deadline::never());
      return read_catalog(connection, "public", {"a"}, pulse);
    };
    const Catalog before = catalog_after(
        "create table a (id int);"
        "create function f() returns trigger language plpgsql as 'begin return new; end';"
        "create trigger t before update on a for each row execute function f()");
    CHECK(compare(before, catalog_after("alter table a disable trigger t")).differences.size() == 1);
    CHECK(compare(before, catalog_after("alter table a enable trigger t")).differences.empty());
    CHECK(compare(before, catalog_after("create or replace function f() returns trigger language plpgsql as "
                                        "'begin return null; end'"))
              .differences.size() == 1);
    CHECK(compare(before, catalog_after("drop trigger t on a")).differences.at(0).found.empty());
  }

  TEST_CASE("what hinders no writer is a warning, and the two uuid defaults are one") {
    const Catalog expected =
        parse_catalog("t\ttable\t\ttable\nt\tcolumn\tid\tuuid not null default gen_random_uuid()\n");
    Catalog found = parse_catalog(
        "t\ttable\t\ttable\nt\tcolumn\tid\tuuid not null default public.uuid_generate_v4()\n"
        "t\tcolumn\tnote\ttext\nt\tindex\tmine\tbtree (note)\n");
    const auto comparison = compare(expected, found);
    CHECK(text_of(comparison.differences) == "");
    CHECK(text_of(comparison.harmless) ==
          "column note of t: not expected, found text\n"
          "index mine of t: not expected, found btree (note)\n");
  }
}
