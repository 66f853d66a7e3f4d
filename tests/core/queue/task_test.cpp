// SPDX-License-Identifier: Apache-2.0
#include "core/queue/agents.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/retention.hpp"
#include "tests/core/queue/fixture.hpp"

using namespace wrktalk;
using namespace wrktalk::test;

namespace {

template <typename Act>
std::optional<base::Kind> refused_as(Act act) {
  try {
    act();
    return std::nullopt;
  } catch (const base::Error& e) {
    return e.kind();
  }
}

}  // namespace

TEST_SUITE("queue::task") {
  TEST_CASE("a stored goal survives its JSON; a broken text is an empty goal") {
    const auto whole = queue::parse_goal(queue::to_json(queue::StoredGoal{"id", "1.0.0", 3}));
    CHECK(whole.artifact_id == "id");
    CHECK(whole.version == "1.0.0");
    CHECK(whole.revision == 3);
    CHECK(queue::to_json(queue::StoredGoal{}) == "{}");
    for (const char* text : {"", "[1]", "\"x\"", "{", R"({"artifact_id": 1, "version": null, "revision": "2"})"}) {
      CAPTURE(text);
      CHECK(queue::to_json(queue::parse_goal(text)) == "{}");
    }
    CHECK(queue::to_json(queue::parse_goal(std::nullopt)) == "{}");
  }

  TEST_CASE("times that no agent can reckon with are refused") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto id = f.deploy(a);
    for (const char* at : {"infinity", "-infinity", "294276-12-31", "10000-01-02", "400000-01-01", "soon"}) {
      CAPTURE(at);
      CHECK(refused_as([&] { queue::start_time(f.db, at); }) == base::Kind::usage);
      CHECK(refused_as([&] { queue::reschedule(f.db, id, at); }) == base::Kind::usage);
      CHECK(refused_as([&] { queue::enqueue(f.db, {"deploy", a, "host:a", {}, at, true}); }) == base::Kind::usage);
    }
    CHECK(refused_as([&] {
            queue::enqueue(f.db, {"deploy", a, "host:a", {}, std::nullopt, true, std::chrono::milliseconds::max()});
          }) == base::Kind::usage);
    CHECK(queue::list(f.db, {}).size() == 1);
  }

  TEST_CASE("a time that has passed is refused unless it is meant, and told with its zone") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.db.run("SET TimeZone = 'Europe/Berlin'");
    CHECK(refused_as([&] { queue::start_time(f.db, "2025-01-01 02:00"); }) == base::Kind::usage);
    CHECK(queue::start_time(f.db, "2025-01-01 02:00", queue::Past::meant)
              .shown.find("2025-01-01 02:00:00 +01:00 (time zone Europe/Berlin), ") == 0);
    CHECK(queue::start_time(f.db, "2999-07-01 02:00 UTC").shown.find("2999-07-01 04:00:00 +02:00") == 0);
    CHECK_NOTHROW(queue::start_time(f.db, "now"));
    CHECK_NOTHROW(queue::start_time(f.db, "+0s"));
    CHECK_NOTHROW(queue::start_time(f.db, "+1.5h"));
    for (const char* no_unit : {"+2", "+ 2", "+1.5", "+"}) {
      CAPTURE(no_unit);
      CHECK_THROWS_WITH_AS(queue::start_time(f.db, no_unit), doctest::Contains("has no unit"), base::Error);
    }
  }

  TEST_CASE("a rollback's goal is what is previous when it is queued, whatever is deployed before it runs") {
    if (!test::have_postgres()) return;
    Fixture f;
    queue::NewTask back{"rollback", std::nullopt, "host:a", {}, "2999-01-01", true};
    CHECK(refused_as([&] { queue::enqueue(f.db, back); }) == base::Kind::failed);
    const auto run = [&](const std::string& artifact) {
      f.deploy(artifact);
      f.finish(*queue::claim(f.db, f.agent(), 60s), f.completed(artifact));
    };
    const auto one = f.artifact("1", "host");
    run(one);
    run(f.artifact("2", "host"));
    const auto id = queue::enqueue(f.db, back);
    run(f.artifact("3", "host"));
    const auto task = queue::find(f.db, id.substr(0, 13));
    const auto goal = queue::parse_goal(task.goal);
    CHECK(goal.artifact_id == one);
    CHECK(goal.version == "1");
    CHECK(task.version == "1");
    CHECK_FALSE(queue::prune(f.db, one));
    CHECK(refused_as([&] { queue::find(f.db, id.substr(0, 8) + "x"); }) == base::Kind::failed);
  }

  TEST_CASE("a goal is written when the release is named by its id, and left open otherwise") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto goal_of = [&](const queue::NewTask& task) {
      return queue::parse_goal(queue::find(f.db, queue::enqueue(f.db, task)).goal).artifact_id;
    };
    queue::Payload by_id, by_version, by_revision;
    by_id.target_version = a;
    by_version.target_version = "1";
    by_revision.target_revision = 7;
    CHECK(goal_of({"deploy", a, "host:a", {}, std::nullopt, true}) == a);
    CHECK(goal_of({"rollback", a, "host:a", by_version, std::nullopt, true}) == a);
    CHECK(goal_of({"rollback", std::nullopt, "host:a", by_id, std::nullopt, true}) == a);
    CHECK_FALSE(goal_of({"rollback", std::nullopt, "host:a", by_version, std::nullopt, true}));
    CHECK_FALSE(goal_of({"rollback", std::nullopt, "kubernetes:w/w", by_revision, std::nullopt, true}));
  }

  TEST_CASE("a retry keeps the goal and forgets what its holders wrote down") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.deploy(f.artifact("1", "host"));
    const auto goal = queue::find(f.db, id).goal;
    f.finish(*queue::claim(f.db, f.agent(), 60s), {queue::Status::failed, "no", "{}", std::nullopt, {}});
    f.db.run(
        "UPDATE agent_task SET before = '{\"state\": \"nothing\"}', reached = 'apply', guard = 'x', held_until = "
        "now() + interval '1 hour'");
    CHECK(queue::find(f.db, id).before == "{\"state\": \"nothing\"}");
    queue::retry(f.db, id);
    const auto task = queue::find(f.db, id);
    CHECK(goal);
    CHECK(task.goal == goal);
    CHECK_FALSE(task.before);
    CHECK_FALSE(task.reached);
    CHECK_FALSE(task.held_until);
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == id);
  }

  TEST_CASE("a task whose target is busy waits until then, and no later deployment overtakes it") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto id = f.deploy(a);
    f.db.run("UPDATE agent_task SET held_until = now() + interval '10 min'");
    auto tick = queue::tick(f.db, f.agent());
    CHECK_FALSE(tick.due);
    CHECK(tick.next.value() > 9min);
    CHECK(tick.next.value() <= 10min + 1s);
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
    CHECK(refused_as([&] {
            queue::enqueue(f.db, {"deploy", a, "host:a", {}, std::nullopt, false});
          }) == base::Kind::busy);
    f.db.run("UPDATE agent_task SET held_until = now() - interval '1 s'");
    CHECK(queue::tick(f.db, f.agent()).due);
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == id);
  }

  TEST_CASE("odd rows wait or fail alone: nothing throws, and what is due runs") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.artifact("1", "host");
    const auto odd = [&](const char* execute_after, const std::optional<std::string>& missed_after) {
      f.db.run(
          "INSERT INTO agent_task (type, release_artifact_id, target, execute_after, missed_after) VALUES ('deploy', "
          "$1::uuid, 'host:a', $2::timestamptz, $3::interval)",
          a, execute_after, missed_after);
    };
    for (const char* at : {"infinity", "294276-12-31"}) {
      for (const char* missed : {"1 h", "170000000 years", "-1 h"}) odd(at, missed);
      odd(at, std::nullopt);
    }
    auto tick = queue::tick(f.db, f.agent(), true);
    CHECK_FALSE(tick.due);
    CHECK_FALSE(tick.overdue);
    CHECK_FALSE(tick.next);
    REQUIRE(tick.figures);
    CHECK(tick.figures->due == 0);
    CHECK(tick.figures->scheduled == 8);
    CHECK(tick.figures->running == 0);
    CHECK(tick.figures->oldest_due_seconds == 0);
    CHECK(queue::upcoming(f.db, 100).size() == 8);
    for (const char* at : {"-infinity", "4713-01-01 BC"}) {
      odd(at, "1 h");
      odd(at, "170000000 years");
    }
    CHECK(queue::tick(f.db, f.agent(), true).overdue);
    CHECK(f.fail_overdue().size() == 2);
    tick = queue::tick(f.db, f.agent());
    CHECK(tick.due);
    CHECK_FALSE(tick.overdue);
    f.db.run(
        "UPDATE agent_task SET payload = jsonb_build_object('note', (SELECT string_agg(md5(n::text), '') FROM "
        "generate_series(1, 40000) n)) WHERE execute_after = '-infinity' AND status = 'pending'");
    CHECK(queue::list(f.db, {}).size() == 12);
    const auto first = queue::claim(f.db, f.agent(), 60s);
    REQUIRE(first);
    CHECK(first->task.execute_after == "-infinity");
    CHECK(refused_as([&] { queue::parse_payload(first->task.payload); }) == base::Kind::failed);
    f.db.run(
        "UPDATE agent_task SET last_heartbeat = 'infinity', lease_expires_at = 'infinity' WHERE status = "
        "'inProgress'");
    CHECK(queue::tick(f.db, f.agent()).leases.empty());
  }
}

TEST_SUITE("queue::tick") {
  TEST_CASE("it tells the leases on the served targets; one that may not be taken over yet is not due") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto id = f.deploy(f.artifact("1", "host"));
    queue::claim(f.db, f.agent(), 60s);
    const auto tick = queue::tick(f.db, f.agent());
    REQUIRE(tick.leases.size() == 1);
    CHECK(tick.leases[0].task_id == id);
    CHECK(tick.leases[0].length_seconds == doctest::Approx(60).epsilon(0.01));
    CHECK(tick.leases[0].age_seconds >= 0);
    CHECK(tick.server_seconds > 1.7e9);
    CHECK(queue::tick(f.db, f.agent({"kubernetes:w/w"})).leases.empty());
    f.db.run("UPDATE agent_task SET lease_expires_at = now() - interval '1 s'");
    CHECK(queue::tick(f.db, f.agent()).due);
    CHECK_FALSE(queue::tick(f.db, f.agent(), false, {id}).due);
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s, {id}));
    CHECK(queue::claim(f.db, f.agent(), 60s, {kInstance})->taken_over);
  }

  TEST_CASE("one notification for many rows, and none for tasks that come in days") {
    if (!test::have_postgres()) return;
    Fixture f;
    db::Session ear(f.database.settings());
    ear.listen(queue::kChannel);
    const auto wakes = [&](const std::string& sql) {
      f.db.run(sql);
      ear.run("SELECT 1");
      return ear.notified();
    };
    const std::string many = "INSERT INTO agent_task (type, target, execute_after) SELECT 'deploy', 'host:a', now() + ";
    CHECK_FALSE(wakes(many + "interval '2 days' FROM generate_series(1, 1000)"));
    CHECK_FALSE(wakes(many + "interval '100000 years'"));
    CHECK_FALSE(wakes("UPDATE agent_task SET execute_after = 'infinity'"));
    CHECK(wakes(many + "interval '1 hour' FROM generate_series(1, 1000)"));
    CHECK(wakes("UPDATE agent_task SET execute_after = now()"));
    CHECK_FALSE(wakes("UPDATE agent_task SET updated_at = now()"));
  }
}

TEST_SUITE("queue::chain") {
  std::vector<std::string> chain(Fixture & f, int length) {
    std::vector<queue::NewTask> tasks;
    for (int i = 0; i < length; ++i) {
      tasks.emplace_back();
      tasks.back().type = "deploy";
      tasks.back().artifact_id = f.artifact(std::to_string(i), "host");
      tasks.back().target = "host:a";
    }
    return queue::enqueue_chain(f.db, tasks);
  }
  std::string status(Fixture & f, const std::string& id) { return queue::find(f.db, id).status; }

  TEST_CASE("each task begins when the one before it has completed") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto ids = chain(f, 3);
    CHECK(queue::find(f.db, ids[1]).after_task == ids[0]);
    CHECK(queue::find(f.db, ids[0]).next_task == ids[1]);
    CHECK_FALSE(queue::find(f.db, ids[0]).after_task);
    for (const auto& id : ids) {
      const auto claim = queue::claim(f.db, f.agent(), 60s);
      REQUIRE(claim);
      CHECK(claim->task.id == id);
      CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
      f.db.run("UPDATE agent_task SET status = 'completed', completed_at = now() WHERE id = $1::uuid", id);
    }
    CHECK_FALSE(queue::claim(f.db, f.agent(), 60s));
  }

  TEST_CASE("whoever ends a task otherwise ends the rest of its chain") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto failed = chain(f, 3);
    f.db.run("UPDATE agent_task SET status = 'failed', completed_at = now() WHERE id = $1::uuid", failed[0]);
    CHECK(status(f, failed[1]) == "cancelled");
    CHECK(status(f, failed[2]) == "cancelled");
    CHECK(queue::find(f.db, failed[1]).error_message->find(failed[0] + " is failed") != std::string::npos);
    const auto cancelled = chain(f, 2);
    CHECK(queue::cancel(f.db, cancelled[0]) == "cancelled");
    CHECK(status(f, cancelled[1]) == "cancelled");
  }

  TEST_CASE("taken up again it keeps its order") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto ids = chain(f, 2);
    queue::cancel(f.db, ids[0]);
    queue::retry(f.db, ids[1]);
    CHECK(queue::find(f.db, ids[1]).execute_after != "infinity");  // nothing before it will run
    queue::cancel(f.db, ids[1]);
    queue::retry(f.db, ids[0]);
    queue::retry(f.db, ids[1]);
    CHECK(queue::find(f.db, ids[1]).execute_after == "infinity");
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == ids[0]);
  }

  TEST_CASE("a task that goes back to the queue holds its chain") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto ids = chain(f, 2);
    const auto claim = queue::claim(f.db, f.agent(), 60s);
    queue::release(f.db, *claim, "the agent ends", 0ms);
    CHECK(queue::find(f.db, ids[1]).execute_after == "infinity");
    CHECK(queue::claim(f.db, f.agent(), 60s)->task.id == ids[0]);
  }
}

TEST_SUITE("queue::agents") {
  TEST_CASE("another start of the same agent is told apart from this one and from those that signed out") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto me = f.agent();
    auto other = f.agent();
    other.instance = "00000000-0000-4000-8000-000000000002";
    queue::sign_in_instance(f.db, me, "here", "boot 1 2");
    CHECK_FALSE(queue::other_live(f.db, me.agent_id, me.instance));
    queue::sign_in_instance(f.db, other, "there", "boot 3 4");
    queue::tick(f.db, other);
    f.db.run("UPDATE agent_instance SET last_seen = now() - interval '90 s' WHERE host = 'there'");
    const auto found = queue::other_live(f.db, me.agent_id, me.instance);
    REQUIRE(found);
    CHECK(found->id == other.instance);
    CHECK(found->host == "there");
    CHECK(found->process == "boot 3 4");
    CHECK(found->silent_seconds == doctest::Approx(90).epsilon(0.1));
    CHECK_FALSE(queue::other_live(f.db, "agent-2", me.instance));
    CHECK(queue::agents(f.db).size() == 2);
    queue::forget_instance(f.db, other.instance);
    CHECK_FALSE(queue::other_live(f.db, me.agent_id, me.instance));
  }
}
