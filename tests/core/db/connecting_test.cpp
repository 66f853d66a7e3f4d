// SPDX-License-Identifier: Apache-2.0
#include "core/db/connecting.hpp"

#include "core/db/raw.hpp"
#include "core/db/session.hpp"
#include "tests/support/pg_cluster.hpp"
#include "tests/support/tcp_proxy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <poll.h>
#include <sys/eventfd.h>

using namespace wrktalk;
using namespace std::chrono_literals;
using base::BootClock;
using base::Kind;

namespace {

std::string value_of(const db::ConnectionSettings& settings, const std::string& keyword) {
  for (const auto& [key, value] : settings.parameters) {
    if (key == keyword) return value;
  }
  return {};
}

template <class Work>
Kind kind_of(const Work& work) {
  try {
    work();
  } catch (const base::Error& e) {
    return e.kind();
  }
  FAIL("no error");
  return Kind::failed;
}

template <class Work>
std::chrono::nanoseconds time_of(const Work& work) {
  const auto start = BootClock::now();
  work();
  return BootClock::now() - start;
}

}  // namespace

TEST_SUITE("db::connecting") {
  TEST_CASE("the limit is that of each host, and a second") {
    db::ConnectionSettings settings{{{"host", "a,b,c"}, {"connect_timeout", "4"}}};
    CHECK(db::connect_limit(settings) == 13s);
    CHECK(db::connect_limit(db::with_connect_timeout(settings, 1s)) == 7s);
    CHECK(db::connect_limit(db::with_connect_timeout(settings, 0s)) == 31s);
    CHECK(db::connect_limit({{{"host", ""}, {"hostaddr", "127.0.0.1"}}}) == 11s);
  }

  TEST_CASE("a host that accepts and never answers is given up, and the next one is tried") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy silent(database.settings());
    silent.fall_silent();
    auto settings = db::with_connect_timeout(silent.settings(), 2s);
    CHECK(time_of([&] { CHECK(kind_of([&] { db::Session{settings}; }) == Kind::connection_lost); }) < 5s);
    CHECK(time_of([&] { CHECK(kind_of([&] { db::raw::Connection{settings}; }) == Kind::connection_lost); }) < 5s);

    test::TcpProxy good(database.settings());
    settings = db::with_parameter(settings, "host", "127.0.0.1,localhost");
    settings = db::with_parameter(settings, "port", silent.port() + "," + good.port());
    db::Session session(settings);
    db::raw::Connection connection(settings);
    for (const auto& address : {session.address(), connection.address()}) {
      CHECK(value_of(address, "host") == "localhost");
      CHECK(value_of(address, "hostaddr") == "127.0.0.1");
      CHECK(value_of(address, "port") == good.port());
      CHECK(value_of(address, "dbname") == database.name());
      CHECK(time_of([&] { CHECK(db::Session(address).run("select 1").size() == 1); }) < 1s);
    }
  }

  TEST_CASE("the address of a server on a unix socket is its folder") {
    if (!test::have_postgres() || test::PgCluster::instance().host().front() != '/') return;
    const test::TestDatabase database;
    const auto address = db::raw::Connection(database.settings()).address();
    CHECK(value_of(address, "host") == test::PgCluster::instance().host());
    CHECK(value_of(address, "hostaddr").empty());
    CHECK(db::Session(address).run("select 1").size() == 1);
  }

  TEST_CASE("a request to end gives an attempt up at once") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy silent(database.settings());
    silent.fall_silent();
    const base::Fd signal(::eventfd(1, EFD_CLOEXEC));
    auto settings = silent.settings();
    settings.interrupt_fd = signal.get();
    CHECK(time_of([&] { CHECK(kind_of([&] { db::Session{settings}; }) == Kind::connection_lost); }) < 1s);
    CHECK(time_of([&] { CHECK(kind_of([&] { db::raw::Connection{settings}; }) == Kind::connection_lost); }) < 1s);
  }

  TEST_CASE("an asynchronous connection to a silent host blocks nobody and breaks in time") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy silent(database.settings());
    silent.fall_silent();
    using State = db::raw::AsyncConnection::State;
    db::raw::AsyncConnection connection;
    CHECK(time_of([&] {
            connection.open(silent.settings());
            connection.advance();
            CHECK(connection.state() == State::connecting);
            connection.open(db::with_connect_timeout(silent.settings(), 2s));
          }) < 1s);
    const auto deadline = base::Deadline::in(10s);
    while (connection.state() == State::connecting && !deadline.passed()) {
      pollfd fd{connection.socket(), connection.events(), 0};
      ::poll(&fd, 1, 100);
      connection.advance();
    }
    CHECK(connection.state() == State::broken);
    CHECK(connection.error().find("timeout expired") != std::string::npos);
  }
}
