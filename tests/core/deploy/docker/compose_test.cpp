// SPDX-License-Identifier: Apache-2.0
#include "core/exec/run.hpp"
#include "tests/core/deploy/support.hpp"
#include "tests/support/pg_cluster.hpp"

#include <cstdlib>
#include <functional>
#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

namespace {

std::string web(const std::string& more) {
  return "services:\n  web:\n    image: wrktalk-test:1\n    init: true\n    stop_grace_period: 1s\n" + more;
}

class Engine {
 public:
  explicit Engine(std::string compose) {
    static int count = 0;
    project_ = "deploy-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    settings.compose_bin = std::move(compose);
    settings.compose_working_dir = dir.path();
    settings.compose_project = project_;
  }
  ~Engine() {
    deployer()->put_back({}, {}, pulse);
    run({"docker", "volume", "rm", "--force", project_ + "_data"});
  }

  std::unique_ptr<Deployer> deployer() {
    return make_deployer(parse_target("docker:" + project_), settings, "task-1", fence.get());
  }
  /// A bundle in one top folder, as `tar -czf bundle.tgz app` packs it.
  Release release(const std::string& version, const std::string& compose_file) {
    const Release made{version, deployer()->home(version), {}, {}};
    write(made.tree + "/app/docker-compose.yml", "version: \"3.8\"\n" + compose_file);
    return made;
  }
  Release deployed(const std::string& version, const std::string& compose_file) {
    const Release made = release(version, compose_file);
    deployer()->apply(made, pulse);
    deployer()->health(made, pulse);
    return made;
  }
  std::string run(std::vector<std::string> argv) {
    exec::Spec spec;
    spec.argv = std::move(argv);
    for (const char* name : {"PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG"}) {
      if (const char* value = std::getenv(name)) spec.environment.push_back(std::string(name) + "=" + value);
    }
    base::NoPulse quiet;
    return exec::run(spec, quiet).out;
  }
  std::string in_web(std::vector<std::string> words) {
    const std::string id = run({"docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project=" + project_,
                                "--filter", "label=com.docker.compose.service=web"});
    words.insert(words.begin(), {"docker", "exec", id.substr(0, id.find('\n'))});
    return run(words);
  }
  std::string volumes() { return run({"docker", "volume", "ls", "--quiet", "--filter", "name=" + project_}); }
  const std::string& project() const { return project_; }

  base::TempDir dir{"/tmp", "compose-test-"};
  Settings settings;
  LongFence fence;
  base::NoPulse pulse;

 private:
  std::string project_;
};

/// Each case runs with compose v2 and with v1.
void with_each_compose(const std::function<void(Engine&)>& check) {
  const auto runs = [](std::vector<std::string> argv) {
    exec::Spec spec;
    spec.argv = std::move(argv);
    for (char** entry = environ; *entry != nullptr; ++entry) spec.environment.emplace_back(*entry);
    base::NoPulse quiet;
    return exec::run(spec, quiet).good();
  };
  if (!wrktalk::test::have("docker", std::getenv("DOCKER_HOST") != nullptr && runs({"docker", "version"}),
                           "DOCKER_HOST and an engine are needed")) {
    return;
  }
  for (const std::string compose : {"docker", "docker-compose"}) {
    const bool there =
        compose == "docker" ? runs({"docker", "compose", "version"}) : runs({"docker-compose", "version"});
    if (!wrktalk::test::have(compose == "docker" ? "docker compose" : compose, there, "it does not run")) continue;
    CAPTURE(compose);
    Engine engine(compose);
    check(engine);
  }
}

}  // namespace

TEST_SUITE("deploy::compose on an engine") {
  TEST_CASE("a release comes up, is upgraded, and the one before is put back") {
    with_each_compose([](Engine& engine) {
      const auto deployer = engine.deployer();
      deployer->preflight(engine.pulse);
      CHECK(deployer->observe(engine.pulse).state == State::absent);
      const Release first = engine.release("1.0", web(""));
      deployer->check(first, engine.pulse);
      deployer->apply(first, engine.pulse);
      deployer->health(first, engine.pulse);
      CHECK(deployer->observe(engine.pulse).version == "1.0");
      engine.deployed("2.0", web("    environment: {RELEASE: \"2\"}\n"));
      CHECK(engine.in_web({"sh", "-c", "echo $RELEASE"}) == "2\n");
      deployer->put_back(first, {}, engine.pulse);
      CHECK(engine.in_web({"sh", "-c", "echo $RELEASE"}) == "\n");
      const Observed seen = deployer->observe(engine.pulse);
      CHECK(seen.state == State::running);
      CHECK(seen.version == "1.0");
    });
  }

  TEST_CASE("a container that dies at once is found, with what it said, and the release before put back") {
    with_each_compose([](Engine& engine) {
      const Release first = engine.deployed("1.0", web(""));
      const Release second =
          engine.release("2.0", web("    command: [\"sh\", \"-c\", \"echo password=hunter2 no database; exit 3\"]\n"));
      const auto deployer = engine.deployer();
      deployer->apply(second, engine.pulse);  // up itself exits 0
      const auto error = step_error([&] { deployer->health(second, engine.pulse); });
      CHECK(error.left() == Left::dirty);
      CHECK(std::string(error.what()).find("exited with status 3") != std::string::npos);
      CHECK(error.evidence().find("no database") != std::string::npos);
      CHECK(error.evidence().find("hunter2") == std::string::npos);
      deployer->put_back(first, {}, engine.pulse);
      CHECK(deployer->observe(engine.pulse).version == "1.0");
    });
  }

  TEST_CASE("one-shots that end well are well") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web("") + "  once:\n    image: wrktalk-test:1\n    command: [\"true\"]\n");
      CHECK(engine.deployer()->observe(engine.pulse).state == State::running);
    });
  }

  TEST_CASE("a healthcheck is waited for, and believed when it says unhealthy") {
    with_each_compose([](Engine& engine) {
      const char* const kCheck = "    healthcheck: {test: [\"CMD\", \"%\"], interval: 1s, retries: 2}\n";
      const auto checked = [&](const std::string& program) {
        std::string text = kCheck;
        return web(text.replace(text.find('%'), 1, program));
      };
      engine.deployed("1.0", checked("true"));
      const Release second = engine.release("2.0", checked("false"));
      const auto deployer = engine.deployer();
      deployer->apply(second, engine.pulse);
      const auto error = step_error([&] { deployer->health(second, engine.pulse); });
      CHECK(std::string(error.what()).find("is running and unhealthy") != std::string::npos);
    });
  }

  TEST_CASE("a crash loop is not taken for a running release") {
    with_each_compose([](Engine& engine) {
      const Release release = engine.release("1.0", web("    command: [\"false\"]\n    restart: always\n"));
      const auto deployer = engine.deployer();
      deployer->apply(release, engine.pulse);
      const auto error = step_error([&] { deployer->health(release, engine.pulse); });
      CHECK(std::string(error.what()).find("after 9 restarts") != std::string::npos);
    });
  }

  TEST_CASE("an image that is not there leaves what runs untouched") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web(""));
      const auto deployer = engine.deployer();
      const Release second = engine.release("2.0", "services:\n  web:\n    image: 127.0.0.1:9/none:1\n");
      const auto error = step_error([&] { deployer->apply(second, engine.pulse); });
      CHECK(error.left() == Left::untouched);
      CHECK(std::string(error.what()).find("connection refused") != std::string::npos);
      CHECK(deployer->observe(engine.pulse).version == "1.0");
    });
  }

  TEST_CASE("with nothing before, all goes but the volumes") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web("    volumes: [\"data:/data\"]\n") + "volumes:\n  data: {}\n");
      const auto deployer = engine.deployer();
      deployer->put_back({}, {}, engine.pulse);
      CHECK(deployer->observe(engine.pulse).state == State::absent);
      CHECK(engine.volumes() == engine.project() + "_data\n");
      CHECK(engine.run({"docker", "network", "ls", "--quiet", "--filter", "name=" + engine.project()}).empty());
    });
  }

  TEST_CASE("the release's environment fills in the file and services' env_file, and does not stay in the tree") {
    with_each_compose([](Engine& engine) {
      Release release =
          engine.release("1.0", web("    env_file: .env\n    command: [\"httpd\", \"-f\", \"-p\", \"${PORT}\"]\n"));
      release.env_file = engine.dir.path() + "/private.env";
      write(*release.env_file, "PORT=8081\nWORD=secret-word\n", 0600);
      const auto deployer = engine.deployer();
      deployer->check(release, engine.pulse);
      deployer->apply(release, engine.pulse);
      deployer->health(release, engine.pulse);
      CHECK(engine.in_web({"sh", "-c", "echo $WORD"}) == "secret-word\n");
      CHECK_FALSE(base::exists(release.tree + "/app/.env"));
    });
  }

  TEST_CASE("a tree that is unpacked again under running containers is mounted anew") {
    with_each_compose([](Engine& engine) {
      const auto unpack = [&](const std::string& content) {
        const Release release = engine.release("1.0", web("    volumes: [\"./conf:/conf\"]\n"));
        base::remove_tree(release.tree + "/app/conf");
        write(release.tree + "/app/conf/word", content);
        return release;
      };
      engine.deployer()->apply(unpack("first"), engine.pulse);
      CHECK(engine.in_web({"cat", "/conf/word"}) == "first");
      engine.deployer()->apply(unpack("second"), engine.pulse);
      CHECK(engine.in_web({"cat", "/conf/word"}) == "second");
    });
  }

  TEST_CASE(
      "a bundle that compose refuses, leaves its tree, or holds no compose file is refused before anything is "
      "touched") {
    with_each_compose([](Engine& engine) {
      const auto deployer = engine.deployer();
      const auto refused = [&](const Release& release) {
        try {
          deployer->check(release, engine.pulse);
        } catch (const base::Error& e) {
          CHECK(e.kind() == base::Kind::artifact);
          return std::string(e.what());
        }
        return std::string("accepted");
      };
      CHECK(refused(engine.release("1.0", "services:\n  web:\n    imagee: x\n")).find("imagee") != std::string::npos);
      CHECK(refused(engine.release("2.0", web("    env_file: /etc/passwd\n"))).find("/etc/passwd") !=
            std::string::npos);
      const Release empty{"3.0", deployer->home("3.0"), {}, {}};
      write(empty.tree + "/Chart.yaml", "");
      CHECK(refused(empty) == "the release has no compose file at its top or in its one top folder");
    });
  }

  TEST_CASE("an engine that does not answer is named, with what to do") {
    with_each_compose([](Engine& engine) {
      const std::string before = std::getenv("DOCKER_HOST");
      ::setenv("DOCKER_HOST", "unix:///no/such/socket", 1);
      try {
        engine.deployer()->preflight(engine.pulse);
        FAIL("it answered");
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::child);
        CHECK(e.hint().find("check that the engine runs") == 0);
      }
      ::setenv("DOCKER_HOST", before.c_str(), 1);
    });
  }
}
