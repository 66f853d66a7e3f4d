// SPDX-License-Identifier: Apache-2.0
#include "core/queue/retention.hpp"
#include "tests/core/queue/fixture.hpp"

using namespace wrktalk;
using namespace wrktalk::test;

namespace {

/// What a task's first holder writes down when something else runs than was recorded.
void correct(db::Session& db, const queue::Claim& claim, const std::optional<std::string>& artifact_id,
             std::optional<long> revision) {
  queue::remember(db, claim, {"{}", R"({"state":"running"})", queue::Correction{artifact_id, revision}});
}

}  // namespace

TEST_SUITE("queue::target") {
  TEST_CASE("current and previous follow what was applied, and a re-deployment does not lose the previous one") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto one = f.artifact("1", "helm");
    const auto two = f.artifact("2", "helm");
    const auto foreign = f.artifact("9", "compose");
    f.db.run("UPDATE release_artifact SET is_current = true WHERE id = $1::uuid", foreign);
    const auto apply = [&](const std::string& artifact, long revision) {
      queue::enqueue(f.db, {"deploy", artifact, "kubernetes:w/w", {}, std::nullopt, true});
      auto ending = f.completed(artifact);
      ending.revision = revision;
      f.finish(*queue::claim(f.db, f.agent(), 60s), ending);
    };
    apply(one, 1);
    apply(two, 2);
    apply(two, 3);
    const auto row = queue::find_target(f.db, "kubernetes:w/w");
    CHECK(row->current_version == "2");
    CHECK(row->previous_version == "1");
    CHECK(row->revision == 3);
    CHECK(row->previous_revision == 1);
    const auto flags =
        f.db.run("SELECT release_version, is_current, is_previous FROM release_artifact ORDER BY release_version");
    CHECK_FALSE(flags[0]["is_current"].as<bool>());
    CHECK(flags[0]["is_previous"].as<bool>());
    CHECK(flags[1]["is_current"].as<bool>());
    CHECK_FALSE(flags[1]["is_previous"].as<bool>());
    CHECK(flags[2]["is_current"].as<bool>());
  }

  TEST_CASE("what others changed on a target is written down: what runs, what ran before it, and since when") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string one = f.artifact("1", "host");
    const std::string two = f.artifact("2", "host");
    f.deploy(one);
    f.finish(*queue::claim(f.db, f.agent(), 60s), f.completed(one));
    f.deploy(two);
    f.finish(*queue::claim(f.db, f.agent(), 60s), f.completed(two));
    const auto row = [&] { return *queue::find_target(f.db, "host:a"); };
    const auto since = row().applied_at;
    f.deploy(one);
    const auto claim = *queue::claim(f.db, f.agent(), 60s);
    correct(f.db, claim, two, 7);
    CHECK(row().revision == 7);
    CHECK(row().applied_at == since);
    CHECK(row().previous_version == "1");
    correct(f.db, claim, std::nullopt, std::nullopt);
    CHECK_FALSE(row().current_version);
    CHECK(row().previous_version == "1");
    correct(f.db, claim, one, std::nullopt);
    CHECK(row().current_version == "1");
    CHECK_FALSE(row().previous_version);
    CHECK(row().applied_at != since);
    auto stale = claim;
    stale.token = kInstance;
    CHECK_THROWS_AS(correct(f.db, stale, two, std::nullopt), base::Error);
    CHECK(row().current_version == "1");
  }

  TEST_CASE("what nothing needs may go; its ended tasks keep the version") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string gone = f.artifact("0", "host");
    f.deploy(gone);
    f.finish(*queue::claim(f.db, f.agent(), 60s), {queue::Status::failed, "no", "{}", std::nullopt, {}});
    const std::string previous = f.artifact("1", "host");
    const std::string current = f.artifact("2", "host");
    for (const auto& id : {previous, current}) {
      f.deploy(id);
      f.finish(*queue::claim(f.db, f.agent(), 60s), f.completed(id));
    }
    const std::string waited_for = f.artifact("3", "host");
    queue::enqueue(f.db, {"rollback", std::nullopt, "host:a", {"3", {}, {}, {}}, "2999-01-01", true});
    f.artifact("4", "host");
    const auto found = queue::prunable(f.db, 1);
    REQUIRE(found.size() == 1);
    CHECK(found[0].version == "0");
    CHECK(queue::prune(f.db, gone));
    CHECK_FALSE(queue::prune(f.db, gone));
    for (const auto& id : {previous, current, waited_for}) CHECK_FALSE(queue::prune(f.db, id));
    const auto row = f.db.run("SELECT result->>'version' AS version FROM agent_task WHERE status = 'failed'")[0];
    CHECK(std::string(row["version"].c_str()) == "0");
  }

  TEST_CASE("tables that are older than the code needs are refused, by what the ledger beside them says") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto refusal = [&]() -> std::string {
      try {
        queue::require_schema(f.db);
        return {};
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::configuration);
        return e.what();
      }
    };
    const std::string older = "the agent's tables are older than this wrktalk needs";
    CHECK(refusal() == older);
    f.db.run("CREATE TABLE wrktalk_migration (set text, number bigint, outcome text)");
    CHECK(refusal() == older);
    const auto apply = [&](long number, const char* outcome) {
      f.db.run("INSERT INTO wrktalk_migration VALUES ('agent', $1, $2)", number, outcome);
    };
    f.db.run("INSERT INTO wrktalk_migration VALUES ('checkpoint', 99, 'applied')");
    apply(queue::kNeededMigration - 1, "applied");
    CHECK(refusal() == older);
    apply(queue::kNeededMigration, "begun");
    CHECK(refusal() == older);
    apply(queue::kNeededMigration, "applied");
    CHECK(refusal().empty());
    // Another schema's ledger says nothing of these tables, and what is not on the search path is not there.
    f.db.run("CREATE SCHEMA other");
    f.db.run("SET search_path = other");
    CHECK(refusal() == "the database has no agent tables");
  }

  TEST_CASE("what v4.2 recorded is told from what we recorded, and from what v4.2 has replaced since") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string one = f.artifact("1", "compose");
    const std::string two = f.artifact("2", "compose");
    const auto v42_runs = [&](const std::string& id) {
      f.db.run("UPDATE release_artifact SET is_current = (id = $1::uuid), applied_at = now() - interval '1 day'", id);
    };
    const auto is_of_v42 = [&] { return queue::find_target(f.db, "docker:d")->is_of_v42; };
    v42_runs(one);
    f.register_target(f.db, {"docker:d", "docker", "compose", "", "", "d"});
    CHECK(queue::find_target(f.db, "docker:d")->current_version == "1");
    CHECK(is_of_v42());
    v42_runs(two);
    CHECK_FALSE(is_of_v42());
    v42_runs(one);
    f.deploy(one, "docker:d");
    f.finish(*queue::claim(f.db, f.agent({"docker:d"}), 60s), f.completed(one));
    CHECK_FALSE(is_of_v42());
  }
}
