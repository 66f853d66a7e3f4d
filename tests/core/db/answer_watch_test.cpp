// SPDX-License-Identifier: Apache-2.0
#include "core/db/answer_watch.hpp"

#include "core/db/raw.hpp"
#include "core/db/session.hpp"
#include "tests/support/pg_cluster.hpp"
#include "tests/support/tcp_proxy.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <sys/eventfd.h>

using namespace wrktalk;
using namespace std::chrono_literals;
using base::BootClock;
using base::Kind;

namespace {

/// What `work` failed with, and that it did so within these times.
template <class Work>
std::string lost_after(std::chrono::milliseconds earliest, std::chrono::milliseconds latest, const Work& work) {
  const auto start = BootClock::now();
  std::string what = "no error";
  try {
    work();
  } catch (const base::Error& e) {
    CHECK(e.kind() == Kind::connection_lost);
    what = e.what();
  }
  const auto took = BootClock::now() - start;
  CHECK(took >= earliest);
  CHECK(took < latest);
  return what;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("db::AnswerWatch") {
  TEST_CASE("a statement over a connection that falls silent ends at its deadline, and the connection with it") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy proxy(database.settings());
    auto settings = proxy.settings();
    settings.answer_within = 500ms;
    db::Session session(settings);
    auto transaction = std::make_unique<db::Transaction>(session);
    transaction->run("select 1");
    proxy.fall_silent();
    CHECK(has(lost_after(500ms, 5s, [&] { transaction->run("select 1"); }), "the server did not answer in 500 ms"));
    lost_after(0ms, 1s, [&] { transaction->commit(); });
    transaction.reset();
    lost_after(0ms, 1s, [&] { session.run("select 1"); });
  }

  TEST_CASE("so does a COMMIT, in doubt, and the rollback of a transaction that is given up") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    test::TcpProxy proxy(database.settings());
    auto settings = proxy.settings();
    settings.answer_within = 300ms;
    auto session = std::make_unique<db::Session>(settings);
    auto transaction = std::make_unique<db::Transaction>(*session);
    auto other_session = std::make_unique<db::Session>(settings);
    auto other = std::make_unique<db::Transaction>(*other_session);
    proxy.fall_silent();
    CHECK(has(lost_after(300ms, 5s, [&] { transaction->commit(); }), "during COMMIT"));
    // A transaction may outlive its session.
    session.reset();
    transaction.reset();
    const auto start = BootClock::now();
    other.reset();
    other_session.reset();
    CHECK(BootClock::now() - start < 5s);
  }

  TEST_CASE("statements that are answered in time are left alone, however many and with whatever pauses") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    auto settings = database.settings();
    settings.answer_within = 1s;
    db::Session session(settings);
    for (int i = 0; i < 3; ++i) CHECK(session.run("select pg_sleep(0.4)").size() == 1);
    ::usleep(1'200'000);  // the thread has nothing to watch over and sleeps without end
    CHECK(session.run("select pg_sleep(0.4)").size() == 1);
    CHECK(has(lost_after(900ms, 5s, [&] { session.run("select pg_sleep(30)"); }), "did not answer in 1.0 s"));
  }

  TEST_CASE("without a statement_timeout there is no deadline but the one that was asked for") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    auto settings = database.settings();
    settings.statement_timeout = 0ms;
    CHECK(db::Session(settings).run("select pg_sleep(0.1)").size() == 1);
    settings.answer_within = 200ms;
    db::Session session(settings);
    lost_after(200ms, 5s, [&] { session.run("select pg_sleep(30)"); });
  }

  TEST_CASE("a request to end gives a statement a second") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    const base::Fd signal(::eventfd(0, EFD_CLOEXEC));
    auto settings = database.settings();
    settings.interrupt_fd = signal.get();
    db::Session session(settings);
    session.run("select 1");
    ::eventfd_write(signal.get(), 1);
    for (int i = 0; i < 4; ++i) CHECK(session.run("select pg_sleep(0.4)").size() == 1);
    CHECK(has(lost_after(900ms, 5s, [&] { session.run("select pg_sleep(30)"); }), "asked to end"));
  }

  TEST_CASE("a signal that somebody has read ends nothing") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    const base::Fd signal(::eventfd(0, EFD_CLOEXEC));
    auto settings = database.settings();
    settings.interrupt_fd = signal.get();
    db::Session session(settings);
    ::eventfd_write(signal.get(), 1);
    std::thread reader([&] {
      ::usleep(300'000);
      eventfd_t ignored = 0;
      ::eventfd_read(signal.get(), &ignored);
    });
    CHECK(session.run("select pg_sleep(1.5)").size() == 1);
    reader.join();
  }

  TEST_CASE("an error of the server keeps its type in every context") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::Session session(database.settings());
    try {
      try {
        session.run("select 1/0");
      } catch (base::Error& e) {
        e.add_context("release 1.0.0");
        throw;
      }
    } catch (const db::SqlError& e) {
      CHECK(e.sqlstate() == "22012");
      CHECK(has(e.what(), "release 1.0.0: division by zero"));
    }
  }
}
