// SPDX-License-Identifier: Apache-2.0
#include "core/notify/outbox.hpp"

#include "core/notify/outbox_sender.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace std::chrono_literals;

namespace {

constexpr const char* kTask = "00000000-0000-4000-8000-00000000000a";

struct Fixture {
  Fixture() : database(test::kAgentTables), db(database.settings()) { admin("anna@example.org"); }
  void admin(const std::string& email) { db.run("INSERT INTO admin (email) VALUES ($1)", email); }
  /// The task ends at that time of the day.
  void ends(const std::string& at) {
    db.run(
        "INSERT INTO agent_task (id, type, status, completed_at) VALUES ($1::uuid, 'deploy', 'failed', "
        "('2026-01-31 ' || $2)::timestamptz) ON CONFLICT (id) DO UPDATE SET completed_at = excluded.completed_at",
        kTask, at);
  }
  int tell(const std::string& key, const std::optional<std::string>& task = std::nullopt, bool webhook = false) {
    db::Transaction tx(db);
    const int rows = notify::enqueue(tx, {"deploy.missed", key, task, "{}"}, webhook);
    tx.commit();
    return rows;
  }
  /// Runs the sender until it has nothing more to do.
  void deliver() {
    notify::OutboxSender sender({}, [&] { return database.settings(); });
    sender.wake();
    const auto until = base::Deadline::in(20s);
    sender.tick();
    while (!sender.at_rest()) {
      REQUIRE_FALSE(until.passed());
      std::vector<pollfd> fds;
      const auto next = base::sooner(sender.watch(fds), until);
      ::poll(fds.data(), fds.size(), next.poll_timeout());
      sender.tick();
    }
  }
  std::string outbox() {
    return db
        .run(
            "SELECT string_agg(recipient || ' ' || status || coalesce(': ' || last_error, ''), ', ' ORDER BY "
            "recipient) FROM notification")[0][0]
        .c_str();
  }

  test::TestDatabase database;
  db::Session db;
};

}  // namespace

TEST_SUITE("notify::outbox") {
  TEST_CASE("the same event is told once, also in a later transaction") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.ends("10:00");
    CHECK(f.tell("k", kTask, true) == 2);
    CHECK(f.tell("k", kTask, true) == 0);
    CHECK(f.tell("other", kTask) == 1);
    CHECK(f.tell("without a task") == 1);
    CHECK(f.tell("without a task") == 0);
  }

  TEST_CASE("a task that is tried again and ends the same way is told again") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.ends("10:00");
    CHECK(f.tell("k", kTask) == 1);
    f.ends("10:00:00.000001");
    CHECK(f.tell("k", kTask) == 1);
  }

  TEST_CASE("a savepoint around it gives back what it did, and the transaction goes on") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.ends("10:00");
    {
      db::Transaction tx(f.db);
      tx.run("SAVEPOINT mails");
      CHECK(notify::enqueue(tx, {"deploy.missed", "k", kTask, "{}"}, false) == 1);
      tx.run("ROLLBACK TO SAVEPOINT mails");
      tx.commit();
    }
    CHECK(f.tell("k", kTask) == 1);
  }

  TEST_CASE("an admin in two spellings is told once") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.admin("Anna@Example.org");
    CHECK(f.tell("k") == 1);
    f.db.run("DELETE FROM admin WHERE email = 'anna@example.org'");
    CHECK(f.tell("k") == 0);
  }

  TEST_CASE("nor is it another admin with a name, a blank or a dot in the address") {
    if (!test::have_postgres()) return;
    Fixture f;
    for (const char* same : {"Anna <anna@example.org>", " anna@example.org ", "anna@example.org.", "anna@EXAMPLE.ORG"})
      f.admin(same);
    f.admin("\"Bob\" <bob@example.org>");
    CHECK(f.tell("k") == 2);
    f.db.run("DELETE FROM admin WHERE email = 'anna@example.org'");
    CHECK(f.tell("k") == 0);
    f.deliver();
    CHECK(f.outbox().find("no longer active") == std::string::npos);
  }

  TEST_CASE("who is no active admin any more gets no mail") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.admin("bob@example.org");
    f.admin("eve@example.org");
    CHECK(f.tell("k") == 3);
    f.db.run("UPDATE admin SET is_active = false WHERE email = 'anna@example.org'");
    f.db.run("DELETE FROM admin WHERE email = 'bob@example.org'");
    f.db.run("UPDATE admin SET email = 'EVE@example.org' WHERE email = 'eve@example.org'");
    f.deliver();
    CHECK(
        f.outbox().find("anna@example.org failed: the admin is no longer active, bob@example.org failed: the admin is "
                        "no longer active, eve@example.org pending: no mail server is set") == 0);
  }
}
