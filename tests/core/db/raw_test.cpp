// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

#include "core/db/session.hpp"
#include "tests/support/pg_cluster.hpp"
#include "tests/support/tcp_proxy.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <poll.h>

using namespace wrktalk;
using namespace std::chrono_literals;

namespace {
base::Deadline soon() { return base::Deadline::in(30s); }
}  // namespace

TEST_SUITE("db::raw") {
  TEST_CASE("a script returns each statement's tag and is undone whole by an error") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    CHECK(connection.script("create table a (i int); insert into a values (1), (2)", pulse, soon()) ==
          std::vector<std::string>{"CREATE TABLE", "INSERT 0 2"});
    try {
      connection.script("create table b (i int);\nselect 'ü' frm a", pulse, soon());
      FAIL("no error");
    } catch (const db::raw::ScriptError& e) {
      CHECK(e.sqlstate() == "42601");
      CHECK(e.position == 40);  // characters, not bytes
    }
    CHECK_FALSE(connection.query("select to_regclass('b')", {}, pulse, soon()).rows.at(0).at(0).has_value());
  }

  TEST_CASE("a statement that is late is cancelled and the connection goes on") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    CHECK_THROWS_AS(connection.query("select pg_sleep(30)", {}, pulse, base::Deadline::in(100ms)), db::SqlError);
    CHECK(connection.query("select $1::int + 1", {"41"}, pulse, soon()).rows.at(0).at(0) == "42");
  }

  TEST_CASE("a server that does not even answer to a request to cancel is lost") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy proxy(database.settings());
    db::raw::Connection connection(proxy.settings());
    base::NoPulse pulse;
    proxy.fall_silent();
    const auto start = base::BootClock::now();
    CHECK_THROWS_AS(connection.query("select 1", {}, pulse, base::Deadline::in(100ms)), db::SqlError);
    CHECK(base::BootClock::now() - start < 6s);
    CHECK_FALSE(connection.alive());
    try {
      connection.query("select 1", {}, pulse, soon());
      FAIL("no error");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::connection_lost);
    }
  }

  TEST_CASE("a lock that is not to be had is refused, and its holder named") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    auto settings = db::with_parameter(database.settings(), "application_name", "the holder");
    base::NoPulse pulse;
    db::raw::Connection holder(settings);
    holder.script("create table t (i int)", pulse, soon());
    holder.script("begin; lock table t", pulse, soon());
    settings.lock_timeout = 2500ms;
    db::raw::Connection waiter(settings);
    try {
      waiter.query("select count(*) from t", {}, pulse, soon());
      FAIL("no error");
    } catch (const db::SqlError& e) {
      CHECK(e.kind() == base::Kind::busy);
      const std::string what = e.what();
      CAPTURE(what);
      CHECK(what.find("the lock is held by pid " + std::to_string(holder.backend_pid()) + " (user ") !=
            std::string::npos);
      CHECK(what.find("application the holder, in its transaction since 2") != std::string::npos);
      CHECK(what.find("query: begin; lock table t)") != std::string::npos);
    }
    CHECK(waiter.query("select 1", {}, pulse, soon()).rows.size() == 1);
  }

  TEST_CASE("a statement alone that collides with another transaction is repeated at once") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::Session session(database.settings());
    session.run("create sequence tries minvalue -200 start 1");
    session.run(
        "create function collide() returns bigint language plpgsql as $$ begin if nextval('tries') < 3 then raise "
        "exception 'x' using errcode = '40001'; end if; return currval('tries'); end $$");
    CHECK(session.run("select collide()")[0][0].as<int>() == 3);
    session.run("alter sequence tries restart with -100");
    CHECK_THROWS_AS(session.run("select collide()"), db::SqlError);
  }

  TEST_CASE("a pulse that throws ends the statement at once") {
    if (!test::have_postgres()) return;
    struct Stop : base::Pulse {
      base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(50ms); }
      void tick() override { throw base::Error(base::Kind::terminated, "asked to end"); }
    } stop;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    CHECK_THROWS_AS(connection.query("select pg_sleep(30)", {}, stop, soon()), base::Error);
    base::NoPulse pulse;
    CHECK(connection.query("select 1", {}, pulse, soon()).rows.size() == 1);
  }

  TEST_CASE("bytea goes in and out in pieces, NULL and empty values too") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    connection.script("create table t (d bytea)", pulse, soon());
    std::string bytes(300'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
    connection.copy_in("copy t from stdin (format binary)", pulse, soon());
    std::string head("PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0", 19);
    head += std::string("\0\1", 2);
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(bytes.size() >> shift);
    connection.copy_write(head.data(), head.size(), pulse, soon());
    connection.copy_write(bytes.data(), bytes.size(), pulse, soon());
    connection.copy_write("\xFF\xFF", 2, pulse, soon());
    CHECK(connection.copy_finish(pulse, soon()) == "COPY 1");

    const auto copied = [&](const std::string& query) {
      db::raw::CopyOut copy(connection, "copy (" + query + ") to stdout (format binary)", pulse, soon());
      std::vector<std::string> values;
      while (const auto value = copy.next(pulse, soon())) values.emplace_back(*value);
      return values;
    };
    const auto slices = copied("select substring(d from i * 1000 + 1 for 1000) from t, generate_series(0, 299) i");
    CHECK(slices.size() == 300);
    CHECK(std::accumulate(slices.begin(), slices.end(), std::string()) == bytes);
    CHECK(copied("select null::bytea union all select ''::bytea") == std::vector<std::string>{"", ""});
    CHECK(copied("select ''::bytea where false").empty());
    CHECK_THROWS_AS(copied("select 1/0"), db::raw::ScriptError);
    CHECK_THROWS_AS(copied("select (100 / (50 - i))::text::bytea from generate_series(1, 50) i"), db::raw::ScriptError);
    CHECK(connection.query("select 1", {}, pulse, soon()).rows.size() == 1);
  }

  TEST_CASE("a COPY that is left in the middle leaves a connection that works") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    {
      db::raw::CopyOut copy(
          connection,
          "copy (select repeat('x', 100000)::bytea from generate_series(1, 10000)) to stdout (format binary)", pulse,
          soon());
      const auto value = copy.next(pulse, soon());
      CHECK((value ? value->size() : 0) == 100'000);
    }
    CHECK(connection.query("select 1", {}, pulse, soon()).rows.size() == 1);
  }

  TEST_CASE("a raw transaction is rolled back unless it was committed") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection connection(database.settings());
    base::NoPulse pulse;
    connection.script("create table t (i int)", pulse, soon());
    for (const bool commit : {false, true}) {
      db::raw::Transaction transaction(connection, pulse, soon());
      connection.script("insert into t values (1)", pulse, soon());
      if (commit) transaction.commit(pulse, soon());
    }
    CHECK(connection.query("select count(*) from t", {}, pulse, soon()).rows.at(0).at(0) == "1");
    CHECK_FALSE(connection.in_transaction());
  }

  TEST_CASE("the asynchronous connection connects, answers and reports errors without blocking") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::AsyncConnection connection;
    const auto until = [&](db::raw::AsyncConnection::State state) {
      const auto deadline = soon();
      while (connection.state() != state && !deadline.passed()) {
        pollfd fd{connection.socket(), connection.events(), 0};
        ::poll(&fd, 1, 100);
        connection.advance();
      }
      REQUIRE(connection.state() == state);
    };
    using State = db::raw::AsyncConnection::State;
    connection.open(database.settings());
    until(State::idle);
    connection.send("select $1::text", {"x"});
    until(State::answered);
    CHECK(connection.take()->rows.at(0).at(0) == "x");
    connection.send("select 1/0", {});
    until(State::answered);
    CHECK_FALSE(connection.take().has_value());
    CHECK(connection.sqlstate() == "22012");
  }
}

TEST_SUITE("db::Session") {
  TEST_CASE("errors carry their kind and SQLSTATE") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::Session session(database.settings());
    try {
      session.run("select * from nowhere");
      FAIL("no error");
    } catch (const db::SqlError& e) {
      CHECK(e.sqlstate() == "42P01");
      CHECK(e.kind() == base::Kind::database);
    }
    CHECK(session
              .run("select $1::text is null as n, $2::text[] as a", std::optional<std::string>(),
                   std::vector<std::string>{"a b", "c\"d"})[0]["n"]
              .as<bool>());
  }

  TEST_CASE("a session that the server ended is connection_lost, and a name that is not there is configuration") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::Session session(database.settings());
    try {
      session.run("select pg_terminate_backend(pg_backend_pid())");
      FAIL("no error");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::connection_lost);
    }
    auto settings = database.settings();
    for (auto& [key, value] : settings.parameters) {
      if (key == "dbname") value = "no_such_database";
      if (key == "host") continue;
    }
    try {
      db::Session other(settings);
      FAIL("no error");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::configuration);
    }
    settings.parameters.emplace_back("port", "1");
    try {
      db::Session other(settings);
      FAIL("no error");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::connection_lost);
    }
  }

  TEST_CASE("a notification is seen") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::Session listener(database.settings());
    db::Session sender(database.settings());
    listener.listen("wrktalk_task");
    sender.run("select pg_notify('wrktalk_task', '')");
    pollfd fd{listener.socket(), POLLIN, 0};
    CHECK(::poll(&fd, 1, 5000) == 1);
    CHECK(listener.notified());
    CHECK_FALSE(listener.notified());
  }
}
