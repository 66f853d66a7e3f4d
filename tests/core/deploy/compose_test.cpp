// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/deploy/compose_paths.hpp"
#include "core/deploy/containers.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy::compose;
using std::chrono::milliseconds;

namespace {

/// A tree with these files; the first is the compose file.
class Tree {
 public:
  Tree(std::initializer_list<std::pair<const char*, const char*>> files) : dir_("/tmp", "compose-test-") {
    for (const auto& [name, text] : files) {
      const std::string path = dir_.path() + "/" + name;
      base::make_directories(path.substr(0, path.rfind('/')), 0755);
      base::write_file(path, text, 0644);
      if (first_.empty()) first_ = path;
    }
  }
  void check() const { check_paths(dir_.path(), first_); }

 private:
  base::TempDir dir_;
  std::string first_;
};

Container running(const char* health = "") { return {"id1", "demo-web-1", "running", health, 0, 0, "t1", "", {}, ""}; }
Container ended(int code) { return {"id2", "demo-job-1", "exited", "", code, 0, "t1", "", {}, ""}; }

}  // namespace

TEST_SUITE("deploy::compose paths") {
  TEST_CASE("files inside the release are fine in every way to write them") {
    const Tree tree{
        {"compose.yml",
         "include:\n  - sub/more.yml   # https://example.org\n  - path: [a.yml, \"b.yml\"]\n"
         "services:\n  web:\n    image: app:1\n    env_file: .env\n    command: [\"sh\", \"-c\", \"cat /etc/x\"]\n"
         "    volumes:\n    - /var/run/docker.sock:/var/run/docker.sock\n"
         "  job:\n    env_file:\n    - path: ./conf/job.env\n      required: false\n    extends:\n"
         "      file: a.yml\n      service: base\n"},
        {"sub/more.yml", "services:\n  db:\n    env_file: ../.env\n"},
        {"a.yml", "services: {base: {image: x}}\n"}};
    CHECK_NOTHROW(tree.check());
  }

  TEST_CASE("a path that leaves the release is refused, whatever it is written like") {
    for (const char* bad : {
             "services:\n  web:\n    env_file: /etc/passwd\n",
             "services:\n  web:\n    env_file: ../secrets.env\n",
             "services:\n  web:\n    env_file: a/../../x\n",
             "services:\n  web:\n    env_file:\n      - .env\n      - \"/etc/passwd\"\n",
             "services:\n  web:\n    env_file:\n    - path: '/etc/passwd'\n",
             "services:\n  web:\n    env_file: [\n/etc/passwd\n]\n",
             "services:\n  web:\n    env_file: >-\n      /etc/passwd\n",
             "services:\n  web:\n    env_file: ${HOME}/x\n",
             "services:\n  web:\n    env_file: ~/x\n",
             "services:\n  web:\n    env_file: *elsewhere\n",
             "services:\n  web:\n    env_file: !!str /etc/passwd\n",
             "services:\n  web:\n    env_file: \"\\x2fetc/passwd\"\n",
             "services:\n  web:\n    env_file: \"..\n      /x\"\n",
             "services:\n  web:\n    \"env_file\" : /etc/passwd\n",
             "services:\n  web:\n    \"env\\x5ffile\": x\n",
             "services:\n  web:\n    ? env_file\n    : /etc/passwd\n",
             "services:\n  web: {image: x, env_file: /etc/passwd}\n",
             "{\"services\":{\"web\":{\"env_file\":\"/etc/passwd\"}}}\n",
             "x-key: &k env_file\nservices:\n  web:\n    *k : /etc/passwd\n",
             "services:\n  web:\n    !!binary ZW52X2ZpbGU=: /etc/passwd\n",
             "services:\n  web:\n    extends:\n      file: /srv/other/compose.yml\n      service: x\n",
             "include:\n- https://example.org/compose.yml\n",
             "include:\n- git@example.org:a/b.git\n",
             "include:\n- oci://example.org/x\n",
             "include:\n- path: a.yml\n  project_directory: /etc\n",
             "include: ../compose.yml\n",
         }) {
      CAPTURE(bad);
      const Tree tree{{"compose.yml", bad}};
      CHECK_THROWS_AS(tree.check(), base::Error);
    }
  }

  TEST_CASE("included and extended files are looked at too, and named with the line") {
    const Tree tree{{"compose.yml", "include: [sub/a.yml]\n"},
                    {"sub/a.yml", "services:\n  web:\n    extends:\n      file: ../b.yml\n"},
                    {"b.yml", "services:\n  web:\n    image: x\n    env_file: /root/.env\n"}};
    CHECK_THROWS_WITH_AS(tree.check(), "b.yml:4: 'env_file' names /root/.env, which is not in the release",
                         base::Error);
    const Tree round{{"a.yml", "include: b.yml\n"}, {"b.yml", "include: a.yml\n"}};
    CHECK_NOTHROW(round.check());
  }
}

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
    CHECK(Settling().look({running("healthy"), ended(0)}, start) == Condition::good);
    CHECK(Settling().look({}, start) == Condition::broken);
    CHECK(Settling().look({running("healthy"), ended(1)}, start) == Condition::broken);
    Settling settling;
    Container web = running();
    CHECK(settling.look({web}, start) == Condition::settling);
    CHECK(settling.look({web}, start + milliseconds(1900)) == Condition::settling);
    web.started_at = "t2";  // it was restarted: the time begins again
    CHECK(settling.look({web}, start + milliseconds(2100)) == Condition::settling);
    CHECK(settling.look({web}, start + milliseconds(4200)) == Condition::good);
  }
}
