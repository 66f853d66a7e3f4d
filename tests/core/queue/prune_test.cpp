// SPDX-License-Identifier: Apache-2.0
#include "core/queue/prune.hpp"

#include "core/base/error.hpp"
#include "tests/core/queue/fixture.hpp"

using namespace wrktalk;
using namespace wrktalk::test;

namespace {

struct PruneFixture : Fixture {
  /// A finished task that ended `days` ago, with two events and a sent notification.
  std::string ended(int days, const std::string& status = "completed",
                    const std::optional<std::string>& target = "host:a", const std::string& result = "{}") {
    return db
        .run(
            "WITH task AS (INSERT INTO agent_task (type, status, target, result, completed_at) VALUES ('deploy', $2, "
            "$3, $4::jsonb, now() - make_interval(days => $1::integer)) RETURNING id), events AS (INSERT INTO "
            "task_event (task_id, attempt, phase, message) SELECT id, 1, 'record', n::text FROM task, "
            "generate_series(1, 2) n), mail AS (INSERT INTO notification (event, event_key, task_id, recipient, data, "
            "status, sent_at) SELECT 'deploy.completed', id::text, id, 'a@b', '{}', 'sent', now() - "
            "make_interval(days => $1::integer) FROM task) SELECT id FROM task",
            days, status, target, result)[0]["id"]
        .c_str();
  }
  bool there(const std::string& id) { return !db.run("SELECT FROM agent_task WHERE id = $1::uuid", id).empty(); }
  int rows(const std::string& table) { return db.run("SELECT count(*) AS n FROM " + table)[0]["n"].as<int>(); }
};

}  // namespace

TEST_SUITE("queue::prune") {
  TEST_CASE("old finished tasks go with their events and notifications; the newest of each target stay") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    const auto gone = f.ended(500);
    const auto failed = f.ended(450, "failed");
    const auto nameless = f.ended(450, "cancelled", std::nullopt);
    const auto newest_nameless = f.ended(440, "completed", std::nullopt);
    const auto newest_there = f.ended(500, "completed", "host:b");
    const auto newest = f.ended(400);
    const auto young = f.ended(1);
    const queue::PruneRules rules{365, 2, 500};
    CHECK(queue::prunable_rows(f.db, {365, 1, 500}).tasks == 4);
    CHECK(f.rows("agent_task") == 7);
    const auto pruned = queue::prune_batch(f.db, {365, 1, 500});
    CHECK(pruned.tasks == 4);
    CHECK(pruned.events == 8);
    CHECK(pruned.notifications == 6);
    CHECK_FALSE(pruned.more);
    for (const auto& id : {gone, failed, nameless, newest}) CHECK_FALSE(f.there(id));
    for (const auto& id : {newest_nameless, newest_there, young}) CHECK(f.there(id));
    CHECK(f.rows("task_event") == 6);
    CHECK(f.rows("notification") == 1);
    f.ended(380);
    CHECK(queue::prune_batch(f.db, rules).tasks == 0);
  }

  TEST_CASE("what has not finished stays, and so does what has no end time or holds maintenance") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    const auto pending = f.ended(500, "pending");
    const auto running = f.ended(500, "inProgress");
    const auto endless = f.ended(500);
    f.db.run("UPDATE agent_task SET completed_at = NULL WHERE id = $1::uuid", endless);
    const auto holder = f.ended(500, "failed");
    f.db.run("INSERT INTO maintenance_window (owner, agent_id, opened_by) VALUES ($1, 'agent-1', 'x')", holder);
    f.ended(2);
    CHECK(queue::prune_batch(f.db, {365, 1, 500}).tasks == 0);
    for (const auto& id : {pending, running, endless, holder}) CHECK(f.there(id));
  }

  TEST_CASE("small batches: as many tasks as asked for, and a task with many events in several") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    for (int i = 0; i < 5; ++i) f.ended(400 + i);
    const auto talkative = f.ended(500);
    f.db.run(
        "INSERT INTO task_event (task_id, attempt, phase, message) SELECT $1::uuid, 1, 'apply', 'x' FROM "
        "generate_series(1, 50)",
        talkative);
    f.ended(1);
    const queue::PruneRules rules{365, 1, 2};
    int batches = 1;
    for (auto pruned = queue::prune_batch(f.db, rules); pruned.more; ++batches) {
      CHECK(pruned.tasks <= 2);
      CHECK(pruned.events <= 20);
      pruned = queue::prune_batch(f.db, rules);
    }
    CHECK(batches >= 5);
    CHECK(f.rows("agent_task") == 1);
    CHECK(f.rows("notification") == 1);
  }

  TEST_CASE("what says which revision holds a stored release stays") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    const std::string target = "kubernetes:w/w";
    const auto stored = f.artifact("1", "helm");
    const auto made = [&](int days, const std::string& artifact, int revision) {
      return f.ended(days, "completed", target,
                     "{\"artifact_id\": \"" + artifact + "\", \"revision\": " + std::to_string(revision) + "}");
    };
    const std::string removed = kInstance;
    const auto older = made(600, stored, 1);
    const auto newest_of_stored = made(590, stored, 2);
    const auto of_removed = made(580, removed, 3);
    const auto current = made(570, removed, 4);
    const auto asked = made(560, removed, 5);
    made(1, removed, 6);
    f.db.run("UPDATE deployment_target SET revision = 6, previous_revision = 4 WHERE name = $1", target);
    queue::Payload payload;
    payload.target_revision = 5;
    queue::enqueue(f.db, {"rollback", std::nullopt, target, payload, "2999-01-01", true});
    CHECK(queue::prune_batch(f.db, {365, 1, 500}).tasks == 2);
    for (const auto& id : {older, of_removed}) CHECK_FALSE(f.there(id));
    for (const auto& id : {newest_of_stored, current, asked}) CHECK(f.there(id));
    CHECK(queue::revision_of(f.db, target, stored) == 2);
  }

  TEST_CASE("a role that may prune removes what is old, and neither young tasks nor events by hand") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    const auto old = f.ended(40);
    const auto younger = f.ended(20);
    f.ended(1);
    f.db.run("CREATE ROLE wrktalk_pruner_test");
    for (const char* right : {"SELECT ON ALL TABLES IN SCHEMA public", "DELETE ON agent_instance, notification",
                              "EXECUTE ON FUNCTION wrktalk_remove_tasks(uuid[], integer)"}) {
      f.db.run(std::string("GRANT ") + right + " TO wrktalk_pruner_test");
    }
    db::Session pruner(f.database.settings());
    pruner.run("SET SESSION AUTHORIZATION wrktalk_pruner_test");
    CHECK(queue::prune_batch(pruner, {10, 1, 500}).tasks == 1);
    CHECK_FALSE(f.there(old));
    CHECK(f.there(younger));
    CHECK_THROWS_AS(pruner.run("DELETE FROM task_event"), base::Error);
    CHECK_THROWS_AS(pruner.run("DELETE FROM agent_task"), base::Error);
    CHECK(queue::prune_batch(f.db, {10, 1, 500}).tasks == 1);
    f.db.run("DROP OWNED BY wrktalk_pruner_test");
    f.db.run("DROP ROLE wrktalk_pruner_test");
  }

  TEST_CASE("it passes over rows that somebody works on, and says when it may not delete") {
    if (!test::have_postgres()) return;
    PruneFixture f;
    const auto retried = f.ended(500, "failed");
    f.ended(1);
    db::Session other(f.database.settings());
    db::Transaction tx(other);
    tx.run("SELECT FROM agent_task WHERE id = $1::uuid FOR UPDATE", retried);
    CHECK(queue::prune_batch(f.db, {365, 1, 500}).tasks == 0);
    tx.run("UPDATE agent_task SET status = 'pending' WHERE id = $1::uuid", retried);
    tx.commit();
    CHECK(queue::prune_batch(f.db, {365, 1, 500}).tasks == 0);
    f.db.run("CREATE ROLE wrktalk_prune_test");
    f.db.run("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO wrktalk_prune_test");
    f.db.run("SET ROLE wrktalk_prune_test");
    try {
      queue::prune_batch(f.db, {});
      CHECK_MESSAGE(false, "it deleted without the right to");
    } catch (const base::Error& e) {
      CHECK(std::string(e.what()).find("permission denied") != std::string::npos);
    }
    f.db.run("RESET ROLE");
    f.db.run("DROP OWNED BY wrktalk_prune_test");
    f.db.run("DROP ROLE wrktalk_prune_test");
  }
}
