// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/deploy/compose_override.hpp"
#include "core/deploy/containers.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy::compose;
using std::chrono::milliseconds;

namespace {

Container running(const char* health = "") { return {"id1", "demo-web-1", "running", health, 0, 0, "t1", "", {}, ""}; }
Container ended(int code) { return {"id2", "demo-job-1", "exited", "", code, 0, "t1", "", {}, ""}; }

}  // namespace

TEST_SUITE("deploy::compose containers") {
  TEST_CASE("docker inspect's answer is read") {
    const auto all = parse_containers(
        R"({"id":"2","name":"/demo-web-1","restarts":3,"state":{"Status":"running","ExitCode":0,"StartedAt":"t","Error":"","Health":{"Status":"healthy","Log":[]}},"mounts":[{"Type":"bind","Source":"/w/releases/1.0/conf"}],"labels":{"com.docker.compose.project.config_files":"/w/releases/1.0/app/compose.yml"}})"
        "\n"
        R"({"id":"1","name":"/demo-db-1","restarts":0,"state":{"Status":"exited","ExitCode":3},"mounts":[],"labels":{}})"
        "\n");
    REQUIRE(all.size() == 2);
    CHECK(describe(all) == "demo-db-1 exited with status 3, demo-web-1 is running and healthy after 3 restarts");
    CHECK_FALSE(tree_of(all, "/w/releases"));
    CHECK(tree_of(Containers{all[1]}, "/w/releases") == "1.0");
    CHECK_FALSE(tree_of(Containers{all[1]}, "/other"));
    CHECK(all[1].mounts == std::vector<std::string>{"/w/releases/1.0/conf"});
    CHECK_THROWS_AS(parse_containers("{}"), base::Error);
    CHECK(parse_containers("\n").empty());
  }

  TEST_CASE("each state is good, settling or broken") {
    CHECK(condition_of(running()) == Condition::good);
    CHECK(condition_of(running("healthy")) == Condition::good);
    CHECK(condition_of(running("starting")) == Condition::settling);
    CHECK(condition_of(running("unhealthy")) == Condition::broken);
    CHECK(condition_of(ended(0)) == Condition::good);
    CHECK(condition_of(ended(137)) == Condition::broken);
    Container other = running();
    for (const char* status : {"created", "dead", "paused", "removing"}) {
      other.status = status;
      CHECK(condition_of(other) == Condition::broken);
    }
    other.status = "restarting";
    CHECK(condition_of(other) == Condition::settling);
    other.restarts = 9;
    CHECK(condition_of(other) == Condition::broken);
  }

  TEST_CASE("a project has settled when all is proven well, or stayed the same for a while") {
    const auto start = base::BootClock::now();
    const milliseconds rest(2000);
    CHECK(Settling(rest).look({running("healthy"), ended(0)}, start) == Condition::good);
    CHECK(Settling(rest).look({}, start) == Condition::broken);
    CHECK(Settling(rest).look({running("healthy"), ended(1)}, start) == Condition::broken);
    Settling settling(rest);
    Container web = running();
    CHECK(settling.look({web}, start) == Condition::settling);
    CHECK(settling.look({web}, start + milliseconds(1900)) == Condition::settling);
    web.started_at = "t2";  // it was restarted: the time begins again
    CHECK(settling.look({web}, start + milliseconds(2100)) == Condition::settling);
    CHECK(settling.look({web}, start + milliseconds(4200)) == Condition::good);
    // What the engine restarts may be healthy, and end a moment later.
    Settling kept_up(rest);
    web = running("healthy");
    web.restart_policy = "always";
    CHECK(kept_up.look({web}, start) == Condition::settling);
    web.restarts = 1;
    web.started_at = "t2";
    CHECK(kept_up.look({web}, start + milliseconds(2100)) == Condition::settling);
    CHECK(kept_up.look({web}, start + milliseconds(4200)) == Condition::good);
    CHECK(Settling(milliseconds(0)).look({web}, start) == Condition::good);
  }

  TEST_CASE("what is to be kept running and has ended is not well, whatever it ended with") {
    Container job = ended(0);
    for (const char* policy : {"", "no", "on-failure"}) {
      job.restart_policy = policy;
      CHECK(condition_of(job) == Condition::good);
    }
    for (const char* policy : {"always", "unless-stopped"}) {
      job.restart_policy = policy;
      CHECK(condition_of(job) == Condition::settling);
    }
  }

  TEST_CASE("labels, restart policy and start period are read") {
    const auto all = parse_containers(
        R"({"id":"1","name":"/a","restarts":0,"state":{"Status":"running"},"mounts":[],"policy":"always","check":{"StartPeriod":5000000000},)"
        R"("labels":{"wrktalk.release":"2.0","wrktalk.task":"t"}})"
        "\n"
        R"({"id":"2","name":"/b","restarts":0,"state":{"Status":"running"},"mounts":[],"policy":"no","check":null,"labels":{}})");
    CHECK(all[0].restart_policy == "always");
    CHECK(all[0].start_period == milliseconds(5000));
    CHECK(all[0].identity == Identity{"2.0", "t"});
    CHECK_FALSE(all[1].identity);
    CHECK_FALSE(identity_of(all));
    CHECK(identity_of({all[0]}) == Identity{"2.0", "t"});
    CHECK_FALSE(identity_of({}));
  }

  TEST_CASE("the override file labels each service, and names an image by its id where that is asked for") {
    const Stack stack{{{"web", "app:1"}, {"db", "db:1"}}, false};
    const Identity identity{"2.0", "task-1"};
    CHECK(override_file(stack, identity, {{"db", "sha256:1"}}) == R"({
  "services": {
    "web": {
      "labels": {
        "wrktalk.release": "2.0",
        "wrktalk.task": "task-1"
      }
    },
    "db": {
      "labels": {
        "wrktalk.release": "2.0",
        "wrktalk.task": "task-1"
      },
      "image": "sha256:1",
      "pull_policy": "never"
    }
  }
}
)");
    CHECK(override_file({stack.services, true}, {}, {{"db", "sha256:1"}}) ==
          "{\n  \"db\": {\n    \"image\": \"sha256:1\"\n  }\n}\n");
    CHECK(override_file(stack, {}, {{"gone", "sha256:1"}}).empty());
  }

  TEST_CASE("a service starts without profiles, or with one that is on") {
    CHECK(starts({"web"}, ""));
    CHECK_FALSE(starts({"web", "", {"extra"}}, ""));
    CHECK_FALSE(starts({"web", "", {"extra"}}, "other"));
    CHECK(starts({"web", "", {"extra", "more"}}, "other,more"));
    CHECK(starts({"web", "", {"extra"}}, "*"));
  }
}
