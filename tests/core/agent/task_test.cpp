// SPDX-License-Identifier: Apache-2.0
#include "core/agent/task_context.hpp"
#include "tests/core/agent/fakes.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <unistd.h>

namespace wrktalk::agent::test {
namespace {

using base::Kind;
using Left = deploy::StepError::Left;

/// Thousands of failures are logged: nobody reads them.
class QuietLog {
 public:
  QuietLog() : stderr_(::dup(STDERR_FILENO)) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDERR_FILENO);
    ::close(null);
  }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
  ~QuietLog() {
    ::dup2(stderr_, STDERR_FILENO);
    ::close(stderr_);
  }

 private:
  int stderr_;
};

std::string state_of(const World& world) {
  return nlohmann::json::parse(world.ending->result).at("state").get<std::string>();
}

int exit_code_in(const World& world) { return nlohmann::json::parse(world.ending->result).at("exit_code").get<int>(); }

int calls(const World& world, const std::string& name) {
  return static_cast<int>(std::count(world.calls.begin(), world.calls.end(), name));
}

using Ledgers = std::vector<std::int64_t>;

std::string manifest_with(const std::string& on_rollback) {
  return R"({"backup":{"before":["app"]},"migrations":{"database":"app","dir":"db","on-rollback":")" + on_rollback +
         "\"}}";
}

/// What ran before the task.
enum class Start { nothing, release, unknown };

World world_with(Start start, const Trouble& trouble) {
  World world;
  world.trouble = trouble;
  world.running = start == Start::nothing ? "" : kBefore;
  world.unknown = start == Start::unknown;
  // On other kinds of target such a task is refused.
  if (world.unknown) world.target = "kubernetes:site/demo";
  return world;
}

/// What must hold when a task has ended, whatever happened on the way.
void check_whole(const World& world, Start start) {
  const std::string was = start == Start::nothing ? "" : kBefore;
  const std::string state = state_of(world);
  // After too many attempts the site is left as the last holder left it: the daemon closes the window of a task that has ended.
  const bool exhausted = world.attempt > 3 + queue::kPutBackAttempts;
  CHECK(world.records == 1);
  if (state == "applied") {
    CHECK(world.running == kGoal);
    CHECK(world.status == queue::Status::completed);
    CHECK(world.told.size() == 1);
    CHECK(exit_code_in(world) == 0);
  } else if (state == "untouched" || state == "put_back") {
    CHECK(world.running == was);
    if (!exhausted) CHECK_FALSE(world.window);
    CHECK(world.told.size() == (world.status == queue::Status::cancelled ? 0 : 1));
    CHECK(exit_code_in(world) != 0);
    CHECK(exit_code_in(world) != 10);
  } else {
    CHECK(state == "not_put_back");
    CHECK(world.status == queue::Status::failed);
    if (!exhausted) CHECK(world.window);
    CHECK(world.told.size() == 2);  // the failure, and that the site stays in maintenance
    CHECK(exit_code_in(world) == 10);
  }
  if (start == Start::unknown) CHECK(calls(world, "put_back") == 0);
  if (world.health_was_seen) CHECK(state == "applied");
}

struct Failure {
  std::string step;
  std::optional<Kind> kind;
  std::optional<Left> left;
  bool put_back_fails = false;
};

const std::vector<Failure> kFailures = {
    {"", {}, {}},
    {"resolve", Kind::child, {}},
    {"fetch", Kind::artifact, {}},
    {"check", Kind::artifact, {}},
    {"maintenance-on", Kind::configuration, {}},
    {"apply", {}, Left::untouched},
    {"apply", {}, Left::dirty},
    {"apply", {}, Left::put_back},
    {"apply", {}, Left::not_put_back},
    {"apply", Kind::child, {}},
    {"apply", {}, Left::dirty, true},
    {"health", {}, Left::dirty},
    {"health", {}, Left::dirty, true},
};

/// Every moment that a run without trouble or with a failure passes through.
std::vector<std::string> moments_of(Start start, const Failure& failure) {
  Trouble trouble;
  trouble.fail_step = failure.step;
  trouble.fail_kind = failure.kind;
  trouble.fail_left = failure.left;
  trouble.put_back_fails = failure.put_back_fails;
  World world = world_with(start, trouble);
  run_to_the_end(world);
  std::vector<std::string> names;
  for (const auto& [name, times] : world.moments) names.push_back(name);
  return names;
}

template <typename Check>
int for_all_cases(Check check) {
  int cases = 0;
  for (const auto start : {Start::nothing, Start::release, Start::unknown}) {
    for (const auto& failure : kFailures) {
      for (const auto& moment : moments_of(start, failure)) {
        Trouble trouble;
        trouble.fail_step = failure.step;
        trouble.fail_kind = failure.kind;
        trouble.fail_left = failure.left;
        trouble.put_back_fails = failure.put_back_fails;
        CAPTURE(failure.step);
        CAPTURE(static_cast<int>(start));
        CAPTURE(moment);
        check(start, trouble, moment);
        ++cases;
      }
    }
  }
  return cases;
}

}  // namespace

TEST_SUITE("agent::run_task") {
  TEST_CASE("every failure, with every moment as the last of one, two or all holders") {
    const QuietLog quiet;
    int cases = 0;
    for (const int crashes : {1, 2, 100}) {
      cases += for_all_cases([&](Start start, Trouble trouble, const std::string& moment) {
        CAPTURE(crashes);
        trouble.crash_at = moment;
        trouble.crashes = crashes;
        World world = world_with(start, trouble);
        const bool ended = run_to_the_end(world);
        // Whoever dies each time before or while it records is never heard of again, but changes nothing any more.
        const bool never = crashes == 100 && (moment == "record begins" || moment == "release");
        if (never && !ended) return;
        REQUIRE(ended);
        check_whole(world, start);
      });
    }
    CHECK(cases >= 300);
  }

  TEST_CASE("every failure, with the database away once at every moment") {
    const QuietLog quiet;
    const int cases = for_all_cases([](Start start, Trouble trouble, const std::string& moment) {
      // A deployer does not speak with the database.
      if (moment.find("apply") == 0 || moment.find("put-back") == 0) return;
      trouble.outage_at = moment;
      World world = world_with(start, trouble);
      REQUIRE(run_to_the_end(world));
      CHECK(world.attempt == 1);
      check_whole(world, start);
    });
    CHECK(cases >= 100);
  }

  TEST_CASE("what could not be put back on a Docker or host target is not touched") {
    const QuietLog quiet;
    for (const std::string target : {"docker:site", "host:site"}) {
      World world = world_with(Start::unknown, {});
      world.target = target;
      REQUIRE(run_to_the_end(world));
      CHECK(state_of(world) == "untouched");
      CHECK(exit_code_in(world) == 5);
      CHECK(calls(world, "apply") == 0);
      CHECK(world.running == kBefore);
    }
  }

  TEST_CASE("what v4.2 had deployed with compose is put back from its stored release") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.fail_step = "apply";
    trouble.fail_left = Left::dirty;
    trouble.only_stored_helps = true;
    for (const std::string target : {"docker:site", "host:site"}) {
      World world = world_with(Start::unknown, trouble);
      world.target = target;
      world.of_v42 = true;
      REQUIRE(run_to_the_end(world));
      // v4.2 knew no host targets.
      CHECK(state_of(world) == (target == "host:site" ? "untouched" : "put_back"));
      CHECK(world.running == kBefore);
    }
  }

  TEST_CASE("a request to cancel, heard at every step or by the next holder") {
    const QuietLog quiet;
    for (const auto start : {Start::nothing, Start::release, Start::unknown}) {
      for (const auto& step : steps()) {
        for (const int crashes : {0, 1}) {
          Trouble trouble;
          trouble.manifest = manifest_with("down");
          trouble.cancel_at = step.name;
          trouble.crash_at = std::string("at ") + step.name;
          trouble.crashes = crashes;
          CAPTURE(step.name);
          CAPTURE(crashes);
          World world = world_with(start, trouble);
          REQUIRE(run_to_the_end(world));
          check_whole(world, start);
          const bool late = step.resume == Step::Resume::to_record;
          if (late && crashes == 1) CHECK(world.status == queue::Status::completed);
          if (!late && start != Start::unknown) CHECK(world.status == queue::Status::cancelled);
        }
      }
    }
  }

  TEST_CASE("a release that was seen healthy is never applied again nor put back") {
    const QuietLog quiet;
    for (const char* moment : {"at server-env", "before maintenance-off", "at maintenance-off", "window closes",
                               "record begins", "record ends"}) {
      for (const int crashes : {1, 2, 4}) {
        Trouble trouble;
        trouble.crash_at = moment;
        trouble.crashes = crashes;
        CAPTURE(moment);
        CAPTURE(crashes);
        World world = world_with(Start::release, trouble);
        REQUIRE(run_to_the_end(world));
        CHECK(state_of(world) == "applied");
        CHECK(calls(world, "apply") == 1);
        CHECK(calls(world, "put_back") == 0);
      }
    }
  }

  TEST_CASE("what no holder of the task can have left is left alone: the target has gone on without this database") {
    const QuietLog quiet;
    for (const char* crash : {"apply begins", "apply goes on", "apply ends", "at health"}) {
      for (const bool cancelled : {false, true}) {
        CAPTURE(crash);
        CAPTURE(cancelled);
        Trouble trouble;
        trouble.crash_at = crash;
        trouble.crashes = 1;
        World world = world_with(Start::release, trouble);
        CHECK_FALSE(run_to_the_end(world, 1));
        world.running = "3.0.0";
        world.cancel_requested = cancelled;
        const auto touched = world.calls.size();
        CHECK(run_to_the_end(world));
        CHECK(world.running == "3.0.0");
        CHECK(world.calls.size() == touched);
        CHECK(world.status == queue::Status::failed);
        CHECK(state_of(world) == "untouched");
        CHECK(world.told.size() == 1);
        CHECK_FALSE(world.window);
      }
    }
  }

  TEST_CASE("what the release's manifest asks for and is not there is refused before anything is touched") {
    const QuietLog quiet;
    const auto refused = [](const std::string& manifest, bool no_way_up, const std::string& what) {
      Trouble trouble;
      trouble.manifest = manifest;
      trouble.no_way_up = no_way_up;
      World world = world_with(Start::release, trouble);
      REQUIRE(run_to_the_end(world));
      CHECK(world.status == queue::Status::failed);
      CHECK(exit_code_in(world) == 7);
      CHECK(state_of(world) == "untouched");
      CHECK(world.calls.empty());
      CHECK(world.running == kBefore);
      CAPTURE(what);
      CHECK(world.ending->error_message->find(what) != std::string::npos);
    };
    refused(R"({"release":{"min-agent":"999"}})", false, "needs wrktalk 999 or newer");
    refused(R"({"tomorrow":{}})", false, "no key of it");
    refused(R"({"hook":[{"when":"before-apply","run":["x"]}]})", false, "is not supported by this version");
    refused(R"({"settings":{"required":["A"]}})", false, "needs a value for A");
    refused("", true, "there is no way up");
  }

  TEST_CASE("migrations are applied once, after a backup of what was there, whoever dies when") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.manifest = manifest_with("keep");
    World first = world_with(Start::release, trouble);
    REQUIRE(run_to_the_end(first));
    CHECK(first.backups.size() == 1);
    for (const auto& [moment, times] : first.moments) {
      for (const int crashes : {1, 2}) {
        CAPTURE(moment);
        CAPTURE(crashes);
        trouble.crash_at = moment;
        trouble.crashes = crashes;
        World world = world_with(Start::release, trouble);
        REQUIRE(run_to_the_end(world));
        check_whole(world, Start::release);
        CHECK(state_of(world) == "applied");
        CHECK(world.ledger == Ledgers{1, 2, 3});
        for (const auto& backup : world.backups) CHECK(backup == Ledgers{1});
      }
    }
  }

  TEST_CASE("what fails leaves the databases as on-rollback says, whoever dies when") {
    const QuietLog quiet;
    struct Row {
      const char* step;
      const char* state;
      Ledgers kept;
    };
    const std::vector<Row> rows = {{"backup", "untouched", {1}},
                                   {"migrate", "untouched", {1, 2}},
                                   {"apply", "put_back", {1, 2, 3}},
                                   {"health", "put_back", {1, 2, 3}}};
    for (const auto start : {Start::nothing, Start::release}) {
      for (const auto& row : rows) {
        for (const std::string policy : {"keep", "down"}) {
          Trouble trouble;
          trouble.manifest = manifest_with(policy);
          trouble.fail_step = row.step;
          trouble.fail_kind = Kind::child;
          World first = world_with(start, trouble);
          REQUIRE(run_to_the_end(first));
          for (const auto& [moment, times] : first.moments) {
            CAPTURE(row.step);
            CAPTURE(policy);
            CAPTURE(moment);
            trouble.crash_at = moment;
            trouble.crashes = 1;
            World world = world_with(start, trouble);
            REQUIRE(run_to_the_end(world));
            check_whole(world, start);
            CHECK(state_of(world) == row.state);
            CHECK(exit_code_in(world) == (row.state == std::string("put_back") ? 9 : 8));
            CHECK(world.ledger == (policy == "down" ? Ledgers{1} : row.kept));
          }
        }
      }
    }
  }

  TEST_CASE("a request to cancel takes back what was migrated, or comes too late") {
    const QuietLog quiet;
    for (const char* step : {"backup", "migrate", "apply", "health"}) {
      Trouble trouble;
      trouble.manifest = manifest_with("down");
      trouble.cancel_at = step;
      World world = world_with(Start::release, trouble);
      CAPTURE(step);
      REQUIRE(run_to_the_end(world));
      check_whole(world, Start::release);
      CHECK(world.status == queue::Status::cancelled);
      CHECK(world.ledger == Ledgers{1});
    }
  }

  TEST_CASE("a schema that cannot be taken back leaves the site in maintenance, and the target as it is") {
    const QuietLog quiet;
    for (const char* step : {"migrate", "health"}) {
      Trouble trouble;
      trouble.manifest = manifest_with("down");
      trouble.fail_step = step;
      trouble.fail_kind = Kind::child;
      World world = world_with(Start::release, trouble);
      world.down_fails = true;
      CAPTURE(step);
      REQUIRE(run_to_the_end(world));
      check_whole(world, Start::release);
      CHECK(state_of(world) == "not_put_back");
      CHECK(calls(world, "put_back") == 0);
    }
  }

  TEST_CASE("what ran before is not put back on a schema that it does not run on") {
    const QuietLog quiet;
    struct Row {
      Start start;
      const char* step;
      const char* state;
    };
    // Number 3 is the one that fails in "migrate": then it is not applied.
    for (const auto& row : {Row{Start::release, "health", "not_put_back"}, Row{Start::release, "migrate", "untouched"},
                            Row{Start::nothing, "health", "put_back"}}) {
      Trouble trouble;
      trouble.manifest = manifest_with("keep");
      trouble.fail_step = row.step;
      trouble.fail_kind = Kind::child;
      World world = world_with(row.start, trouble);
      world.incompatible = 3;
      CAPTURE(row.step);
      REQUIRE(run_to_the_end(world));
      check_whole(world, row.start);
      CHECK(state_of(world) == row.state);
    }
  }

  TEST_CASE("a database that no setting names is refused before anything is touched") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.manifest = R"({"backup":{"before":["other"]}})";
    World world = world_with(Start::release, trouble);
    REQUIRE(run_to_the_end(world));
    CHECK(exit_code_in(world) == 5);
    CHECK(state_of(world) == "untouched");
    CHECK(world.moments.count("window opens") == 0);
    CHECK(world.backups.empty());
  }

  TEST_CASE("a busy target is left alone, and the task waits") {
    const QuietLog quiet;
    for (const char* step : {"resolve", "apply"}) {
      Trouble trouble;
      trouble.fail_step = step;
      trouble.fail_kind = Kind::busy;
      CAPTURE(step);
      World world = world_with(Start::release, trouble);
      CHECK_FALSE(run_to_the_end(world, 1));
      CHECK(world.status == queue::Status::pending);
      CHECK(world.attempt == 0);
      CHECK(world.calls.empty());
      CHECK_FALSE(world.window);
      world.trouble = {};
      REQUIRE(run_to_the_end(world));
      CHECK(state_of(world) == "applied");
    }
  }

  TEST_CASE("a step that this version does not know may have touched the target") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.fail_step = "fetch";
    trouble.fail_kind = Kind::artifact;
    World world = world_with(Start::release, trouble);
    world.status = queue::Status::in_progress;
    world.attempt = 1;
    world.goal = R"({"artifact_id":"id-2.0.0","version":"2.0.0"})";
    world.before = R"({"state":"running","version":"1.0.0"})";
    world.reached = "a step of a newer version";
    world.running = "half";
    REQUIRE(run_to_the_end(world));
    CHECK(state_of(world) == "put_back");
    CHECK(world.running == kBefore);
  }

  TEST_CASE("what only the stored release brings back is fetched when the target finds that out") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.fail_step = "health";
    trouble.fail_left = Left::dirty;
    trouble.only_stored_helps = true;
    World world = world_with(Start::release, trouble);
    REQUIRE(run_to_the_end(world));
    CHECK(state_of(world) == "put_back");
    CHECK(world.running == kBefore);
    CHECK(calls(world, "put_back") == 2);

    trouble.put_back_fails = true;
    World stuck = world_with(Start::release, trouble);
    REQUIRE(run_to_the_end(stuck));
    CHECK(state_of(stuck) == "not_put_back");
    CHECK(calls(stuck, "put_back") == 2);
  }

  TEST_CASE("attempts and put-backs end: failed, exit 10, told once") {
    const QuietLog quiet;
    Trouble trouble;
    trouble.crash_at = "apply goes on";
    trouble.crashes = 100;
    World world = world_with(Start::release, trouble);
    world.trouble.put_back_fails = false;
    REQUIRE(run_to_the_end(world));
    CHECK(state_of(world) == "put_back");

    trouble.crash_at = "at apply";
    World dying = world_with(Start::release, trouble);
    dying.status = queue::Status::in_progress;
    REQUIRE(run_to_the_end(dying));
    CHECK(dying.attempt <= 4);

    trouble.crash_at = "put-back goes on";
    trouble.fail_step = "health";
    trouble.fail_left = Left::dirty;
    World stuck = world_with(Start::release, trouble);
    REQUIRE(run_to_the_end(stuck));
    CHECK(state_of(stuck) == "not_put_back");
    CHECK(stuck.attempt == 7);
    CHECK(stuck.told.size() == 2);
  }
}

}  // namespace wrktalk::agent::test
