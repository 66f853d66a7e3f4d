// SPDX-License-Identifier: Apache-2.0
#include "core/site/store.hpp"

#include "core/base/error.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::site;

namespace {

constexpr const char* kTarget = "docker:shop";

struct Site {
  Site() : database(test::kAgentTables), db(database.settings()) {}

  Changed set(const Settings& settings, bool dry_run = false) {
    return change(db, kTarget, {settings, {}, false}, "me@here", dry_run);
  }
  std::string text(int revision) {
    const auto settings = settings_at(db, kTarget, revision);
    return settings ? to_env_file(*settings) : "(gone)";
  }
  std::string task(const std::string& status, const std::string& result) {
    return db
        .run(
            "INSERT INTO agent_task (type, target, status, result, completed_at) VALUES ('deploy', $1, $2, $3::jsonb, "
            "clock_timestamp()) RETURNING id",
            kTarget, status, result)[0]["id"]
        .c_str();
  }

  test::TestDatabase database;
  db::Session db;
};

std::string text(const std::vector<Difference>& differences) {
  std::string out;
  for (const auto& one : differences) {
    out += one.what == Difference::What::added ? "+" : one.what == Difference::What::removed ? "-" : "~";
    out += one.name + ":" + one.before + ":" + one.after + " ";
  }
  return out;
}

}  // namespace

TEST_SUITE("site::store") {
  TEST_CASE("each change makes a revision, and older ones stay") {
    if (!test::have_postgres()) return;
    Site site;
    CHECK(newest_revision(site.db, kTarget) == 0);
    CHECK(list(site.db, kTarget).empty());
    CHECK(site.set({{"A", "1"}, {"B", "2", true}}).revision == 1);
    const auto second = site.set({{"A", "3"}});
    CHECK(second.revision == 2);
    CHECK(text(second.differences) == "~A:1:3 ");
    CHECK(site.set({{"A", "3"}}).revision == 2);
    CHECK(site.set({{"A", "4"}}, true).revision == 3);
    CHECK(newest_revision(site.db, kTarget) == 2);
    CHECK(site.text(1) == "A='1'\nB='2'\n");
    CHECK(site.text(2) == "A='3'\nB='2'\n");
    const auto now = list(site.db, kTarget);
    REQUIRE(now.size() == 2);
    CHECK(now[0].set_in == 2);
    CHECK(now[1].set_in == 1);
    CHECK(now[1].is_secret);
    CHECK(now[0].set_by.find("(me@here)") != std::string::npos);
  }

  TEST_CASE("a secret stays one until it is unset, and is never told") {
    if (!test::have_postgres()) return;
    Site site;
    CHECK(text(site.set({{"P", "TOPSECRET", true}}).differences) == "+P::*** ");
    CHECK(text(site.set({{"P", "other"}}).differences) == "~P:***:*** ");
    CHECK(list(site.db, kTarget).at(0).is_secret);
    CHECK(text(change(site.db, kTarget, {{}, {"P"}, false}, "me", false).differences) == "-P:***: ");
    CHECK(text(site.set({{"P", "plain"}}).differences) == "+P::plain ");
  }

  TEST_CASE("unset takes away, and of values what is below them") {
    if (!test::have_postgres()) return;
    Site site;
    const char* target = "kubernetes:shop/shop";
    change(site.db, target, {{{"a.b", "1"}, {"a.c", "2"}, {"ab", "3"}}, {}, false}, "me", false);
    CHECK_THROWS_AS(change(site.db, target, {{{"a", "1"}}, {}, false}, "me", false), base::Error);
    CHECK_THROWS_AS(change(site.db, target, {{}, {"x"}, false}, "me", false), base::Error);
    change(site.db, target, {{}, {"a"}, false}, "me", false);
    CHECK(to_values_file(*settings_at(site.db, target, 2)) == "{\"ab\": 3}\n");
    change(site.db, target, {{{"n", "1"}}, {}, true}, "me", false);
    CHECK(to_values_file(*settings_at(site.db, target, 3)) == "{\"n\": 1}\n");
    change(site.db, target, {{}, {"n"}, false}, "me", false);
    CHECK(settings_at(site.db, target, 4)->empty());
  }

  TEST_CASE("the settings of old revisions go, who made them stays") {
    if (!test::have_postgres()) return;
    Site site;
    site.set({{"OLD", "x"}});
    for (int i = 0; i < kKeptRevisions; ++i) site.set({{"A", std::to_string(i)}});
    CHECK(site.text(1) == "(gone)");
    CHECK(site.text(2) != "(gone)");
    CHECK(list(site.db, kTarget).at(1).set_in == 1);
  }

  TEST_CASE("what a task uses is fixed by its first holder") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string task = site.task("inProgress", "{}");
    CHECK_FALSE(known_of(site.db, kTarget, task).fixed);
    fix_use(site.db, task, {});
    CHECK_FALSE(known_of(site.db, kTarget, task).fixed);
    CHECK_FALSE(known_of(site.db, kTarget, task).was_used);
    fix_use(site.db, task, {3, std::string("f")});
    fix_use(site.db, task, {4, std::nullopt});
    const auto later = known_of(site.db, kTarget, task);
    REQUIRE(later.fixed);
    CHECK(later.fixed->revision == 3);
    CHECK(later.fixed->file_sha256 == "f");
    CHECK(later.was_used);
  }

  TEST_CASE("what the running release used is what its newest good deployment did") {
    if (!test::have_postgres()) return;
    Site site;
    CHECK_FALSE(use_of_running(site.db, kTarget, "a1").has_value());
    site.task("completed", R"({"artifact_id": "a1"})");
    CHECK_FALSE(use_of_running(site.db, kTarget, "a1")->revision.has_value());
    fix_use(site.db, site.task("completed", R"({"artifact_id": "a1", "revision": 7})"), {2, std::nullopt});
    fix_use(site.db, site.task("failed", R"({"artifact_id": "a1"})"), {3, std::nullopt});
    CHECK(use_of_running(site.db, kTarget, "a1")->revision == 2);
    CHECK(use_of_revision(site.db, kTarget, 7)->revision == 2);
    CHECK_FALSE(use_of_revision(site.db, kTarget, 8).has_value());
  }
}
