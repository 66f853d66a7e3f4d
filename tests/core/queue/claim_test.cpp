// SPDX-License-Identifier: Apache-2.0
#include "tests/core/queue/fixture.hpp"

using namespace wrktalk;
using namespace wrktalk::test;

TEST_SUITE("queue::claim") {
  TEST_CASE("an empty queue gives nothing; a due task is claimed once, with a token and a lease") {
    if (!test::have_postgres()) return;
    Fixture f;
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
    const auto id = f.deploy(f.artifact("1", "host"));
    const auto claim = queue::claim(f.db, f.agent(), 60s);
    REQUIRE(claim);
    CHECK(claim->task.id == id);
    CHECK(claim->target == "host:a");
    CHECK(claim->task.attempt == 1);
    CHECK(claim->task.version == "1");
    CHECK_FALSE(claim->taken_over);
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
  }

  TEST_CASE("one task in progress a target, the oldest first, a rollback before all") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto first = f.deploy(a);
    const auto second = f.deploy(a);
    const auto back = queue::enqueue(f.db, {"rollback", a, "host:a", {}, std::nullopt, false});
    const auto one = queue::claim(f.db, f.agent(), 60s);
    CHECK(one->task.id == back);
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
    f.finish(*one, {queue::Status::failed, "no", "{}", std::nullopt, std::nullopt});
    const auto two = queue::claim(f.db, f.agent(), 60s);
    CHECK(two->task.id == first);
    f.finish(*two, f.completed(a));
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == second);
  }

  TEST_CASE("an agent takes only what it serves, and nothing before its time") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.deploy(f.artifact("1", "host"));
    CHECK_FALSE(queue::claim(f.db, f.agent({"kubernetes:w/w"}), 60s));
    Fixture g;
    queue::enqueue(g.db, {"deploy", g.artifact("1", "host"), "host:a", {}, "2999-01-01", false});
    CHECK_FALSE(queue::claim(g.db, g.agent(), 60s));
    const auto tick = queue::tick(g.db, g.agent());
    CHECK_FALSE(tick.due);
    CHECK_FALSE(tick.next);
    queue::enqueue(g.db, {"deploy", g.artifact("2", "host"), "host:a", {}, queue::start_time(g.db, "+2h").at, false});
    CHECK(queue::tick(g.db, g.agent()).next.value() > 1h);
  }

  TEST_CASE("a task that missed its schedule is failed, never run late, and holds nobody up") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto queued = [&](const std::string& type, const char* at, std::optional<std::chrono::milliseconds> limit) {
      return queue::enqueue(
          f.db,
          {type, a, "host:a", {}, f.db.run("SELECT now() + $1::interval AS at", at)[0]["at"].c_str(), true, limit});
    };
    const auto missed = queued("deploy", "-2 hours", 1h);
    const auto missed_rollback = queued("rollback", "-61 min", 1h);
    const auto early = queued("deploy", "1 hour", 1s);
    CHECK(queue::tick(f.db, f.agent()).overdue);
    CHECK_FALSE(queue::tick(f.db, f.agent()).due);
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));

    const auto in_time = queue::enqueue(f.db, {"deploy", a, "host:a", {}, std::nullopt, false, 1h});
    const auto late_but_unlimited = queued("deploy", "-3 hours", std::nullopt);
    CHECK(f.fail_overdue().size() == 2);
    CHECK(f.fail_overdue().empty());
    for (const auto& id : {missed, missed_rollback}) {
      CHECK(queue::find(f.db, id).status == "failed");
      CHECK(queue::find(f.db, id).error_message == "missed schedule");
      CHECK(queue::events(f.db, id).at(0).message == "missed schedule");
    }
    CHECK(queue::find(f.db, early).status == "pending");
    const auto first = queue::claim(f.db, f.agent(), 60s);
    CHECK(first->task.id == late_but_unlimited);
    f.finish(*first, f.completed(a));
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == in_time);
  }

  TEST_CASE("a v4.2 row without target goes to the default target of its artifact's kind") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.old_task("deploy", f.artifact("1", "helm"));
    CHECK_FALSE(queue::claim(f.db, f.agent({"host:a"}), 60s));
    CHECK(queue::tick(f.db, f.agent()).due);
    const auto claim = queue::claim(f.db, f.agent(), 60s);
    REQUIRE(claim);
    CHECK(claim->task.id == id);
    CHECK(claim->target == "kubernetes:w/w");
  }

  TEST_CASE("a row that no target can take is still claimed, so that it fails with a reason") {
    if (!test::have_postgres()) return;
    Fixture f;
    for (const auto& artifact :
         {std::optional<std::string>(), std::optional<std::string>(f.artifact("1", "compose"))}) {
      const auto id = f.old_task("deploy", artifact);
      const auto claim = queue::claim(f.db, f.agent({"host:a"}), 60s);
      REQUIRE(claim);
      CHECK(claim->task.id == id);
      f.finish(*claim, {queue::Status::failed, "no", "{}", std::nullopt, std::nullopt});
    }
  }

  TEST_CASE("a lease that is over is taken over with a new token, and the old holder's writes are refused") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto id = f.deploy(a);
    const auto old = queue::claim(f.db, f.agent(), 1ms);
    queue::record_guard(f.db, *old, "boot 1 2");
    f.db.run("SELECT pg_sleep(0.01)");
    CHECK(queue::tick(f.db, f.agent()).due);
    const auto next = queue::claim(f.db, f.agent(), 60s);
    REQUIRE(next);
    CHECK(next->task.id == id);
    CHECK(next->taken_over);
    CHECK_FALSE(next->give_up);
    CHECK(next->old_guard == "boot 1 2");
    CHECK(next->task.attempt == 2);
    CHECK_THROWS_AS(queue::begin_step(f.db, *old, "apply", "apply"), base::Error);
    CHECK_THROWS_AS(f.finish(*old, f.completed(a)), base::Error);
    CHECK_THROWS_AS(queue::release(f.db, *old, "x", 0ms), base::Error);
    CHECK(f.db.run(queue::kHeartbeat, old->task.id, old->token, 60.0, nullptr).empty());
    CHECK(f.db.run(queue::kHeartbeat, next->task.id, next->token, 60.0, nullptr).size() == 1);
    f.finish(*next, f.completed(a));
  }

  TEST_CASE("after the last attempt, or after half an hour of silence, the task is given up") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.deploy(f.artifact("1", "host"));
    for (int attempt = 1; attempt <= 3; ++attempt) {
      const auto claim = queue::claim(f.db, f.agent(), 1ms);
      REQUIRE(claim);
      CHECK_FALSE(claim->give_up);
      f.db.run("SELECT pg_sleep(0.01)");
    }
    // Putting it back is counted as well, and ends.
    for (int attempt = 4; attempt <= 7; ++attempt) {
      const auto last = queue::claim(f.db, f.agent(), 1ms);
      REQUIRE(last);
      CHECK(last->give_up);
      CHECK(last->exhausted == (attempt == 7));
      CHECK(last->task.attempt == attempt);
      f.db.run("SELECT pg_sleep(0.01)");
    }

    Fixture g;
    g.deploy(g.artifact("1", "host"));
    queue::claim(g.db, g.agent(), 1ms);
    g.db.run(
        "UPDATE agent_task SET last_heartbeat = now() - interval '31 min', picked_up_at = now() - interval '40 min', "
        "lease_expires_at = now() - interval '28 min'");
    CHECK(queue::claim(g.db, g.agent(), 60s)->give_up);
  }

  TEST_CASE("a row that counts to the end of its integers is claimed like any other") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.deploy(f.artifact("1", "host"));
    f.db.run("UPDATE agent_task SET attempt = 2147483647, max_attempts = 2147483647");
    CHECK(queue::claim(f.db, f.agent(), 1ms)->task.id == id);
    f.db.run("SELECT pg_sleep(0.01)");
    CHECK(queue::claim(f.db, f.agent(), 60s)->give_up);
  }

  TEST_CASE("releasing gives the attempt back") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.deploy(f.artifact("1", "host"));
    queue::release(f.db, *queue::claim(f.db, f.agent(), 60s), "the agent was asked to end", 0ms);
    const auto again = queue::claim(f.db, f.agent(), 60s);
    CHECK(again->task.id == id);
    CHECK(again->task.attempt == 1);
  }

  TEST_CASE("a deployment that is due is refused while the target is taken; one for later is not") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    f.deploy(a);
    const auto refused = [&](const queue::NewTask& task) {
      try {
        queue::enqueue(f.db, task);
        return false;
      } catch (const base::Error& e) {
        return e.kind() == base::Kind::busy;
      }
    };
    CHECK(refused({"deploy", a, "host:a", {}, std::nullopt, false}));
    CHECK_FALSE(refused({"deploy", a, "host:a", {}, "2999-01-01", false}));
    CHECK_FALSE(refused({"rollback", a, "host:a", {}, std::nullopt, false}));
    const auto claim = queue::claim(f.db, f.agent(), 60s);
    CHECK_THROWS_AS(
        queue::claim_new(f.db, f.agent(), {"rollback", std::nullopt, "host:a", {}, std::nullopt, false}, 60s),
        base::Error);
  }

  TEST_CASE("a task made in the foreground is nobody else's") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto claim = queue::claim_new(f.db, f.agent(), {"deploy", a, "host:a", {}, std::nullopt, false}, 60s);
    CHECK(claim.task.version == "1");
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
    f.finish(claim, f.completed(a));
    CHECK(queue::find(f.db, claim.task.id.substr(0, 8)).status == "completed");
  }

  TEST_CASE("a v4.2 agent gets only what it can do") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.deploy(f.artifact("1", "host"));
    CHECK_FALSE(f.old_claim());
    f.db.run("DELETE FROM agent_task");
    const auto helm = f.artifact("1", "helm");
    const auto id = f.old_task("deploy", helm);
    SUBCASE("its own kind of row, on an idle target: yes, and the target is then occupied for us") {
      CHECK(f.old_claim());
      queue::enqueue(f.db, {"deploy", helm, "kubernetes:w/w", {}, std::nullopt, true});
      CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
      f.db.run(
          "UPDATE agent_task SET picked_up_at = now() - interval '31 min', updated_at = now() - interval '31 min' "
          "WHERE id = $1::uuid",
          id);
      CHECK(queue::tick(f.db, f.agent()).overdue);
      CHECK(f.fail_overdue().at(0).id == id);
      CHECK(queue::find(f.db, id).error_message == queue::kTimeoutMessage);
      CHECK_FALSE(queue::tick(f.db, f.agent()).overdue);
      CHECK(queue::claim(f.db, f.agent(), 60s));
    }
    SUBCASE("a busy target: no") {
      queue::claim_new(f.db, f.agent(), {"deploy", helm, "kubernetes:w/w", {}, std::nullopt, true}, 60s);
      CHECK_FALSE(f.old_claim());
    }
    SUBCASE("a target that is being claimed at this moment: no, and without waiting") {
      db::Session other(f.database.settings());
      db::Transaction tx(other);
      tx.run("SELECT 1 FROM deployment_target FOR UPDATE");
      CHECK_FALSE(f.old_claim());
    }
    SUBCASE("a chunked artifact: no") {
      f.db.run("UPDATE release_artifact SET chunked = true");
      CHECK_FALSE(f.old_claim());
    }
  }

  TEST_CASE("cancel, retry and reschedule say what they cannot do") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.deploy(f.artifact("1", "host"));
    queue::reschedule(f.db, id, "2999-01-01");
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
    CHECK(queue::cancel(f.db, id) == "cancelled");
    CHECK_THROWS_AS(queue::cancel(f.db, id), base::Error);
    CHECK_THROWS_AS(queue::reschedule(f.db, id, "2999-01-01"), base::Error);
    queue::retry(f.db, id);
    const auto claim = queue::claim(f.db, f.agent(), 60s);
    REQUIRE(claim);
    CHECK(queue::cancel(f.db, id) == "requested");
    CHECK(f.db.run(queue::kHeartbeat, id, claim->token, 60.0, nullptr)[0][0].as<bool>());
    CHECK_THROWS_AS(queue::retry(f.db, id), base::Error);
  }

  TEST_CASE("a payload of the wrong shape is named") {
    CHECK(queue::parse_payload(std::nullopt).target_version == std::nullopt);
    CHECK(queue::parse_payload(queue::to_json({"1.2", 7, "n", "me"})).target_revision == 7);
    for (const char* bad :
         {"[]", "3", "{\"target_version\": 3}", "{\"target_revision\": \"x\"}", "{\"target_revision\": 0}"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(queue::parse_payload(std::string(bad)), base::Error);
    }
    CHECK_THROWS_WITH_AS(queue::parse_payload("\"larger than 1 MB\""), "payload is larger than 1 MB", base::Error);
  }
}
