// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/exec/run.hpp"
#include "tests/core/deploy/before.hpp"
#include "tests/core/deploy/support.hpp"
#include "tests/support/pg_cluster.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
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
    settings.compose_settle = std::chrono::seconds(1);
  }
  ~Engine() {
    deployer_.reset();
    const std::string label = "label=com.docker.compose.project=" + project_;
    for (const auto& id : lines({"docker", "ps", "--all", "--quiet", "--filter", label})) {
      run({"docker", "rm", "--force", "--volumes", id});
    }
    run({"docker", "rmi", project_ + ":now"});
    for (const auto& id : lines({"docker", "network", "ls", "--quiet", "--filter", label})) {
      run({"docker", "network", "rm", id});
    }
    run({"docker", "volume", "rm", "--force", project_ + "_data"});
  }

  /// Of a task of its own; there is one at a time, for each of them locks the project's folder.
  Deployer& begin(const char* task = "task-1") {
    deployer_.reset();
    deployer_ = make_deployer(parse_target("docker:" + project_), settings, {task}, fence.get());
    return *deployer_;
  }
  Deployer& deployer() { return deployer_ ? *deployer_ : begin(); }
  /// A bundle in one top folder, as `tar -czf bundle.tgz app` packs it.
  Release release(const std::string& version, const std::string& compose_file) {
    const Release made{version, deployer().home(version), {}, {}};
    write(made.tree + "/app/docker-compose.yml", "version: \"3.8\"\n" + compose_file);
    return made;
  }
  Release deployed(const std::string& version, const std::string& compose_file) {
    const Release made = release(version, compose_file);
    deployer().apply(made, pulse);
    deployer().health(made, pulse);
    return made;
  }
  /// A stack that somebody brings up by hand.
  void by_hand(const std::string& folder, const std::string& compose_file) {
    write(folder + "/docker-compose.yml", "version: \"3.8\"\n" + compose_file);
    std::vector<std::string> words = {"docker", "compose"};
    if (settings.compose_bin != "docker") words = {settings.compose_bin};
    words.insert(words.end(), {"-p", project_, "-f", folder + "/docker-compose.yml", "up", "-d"});
    run(words);
    REQUIRE(ran() == 1);
  }
  /// What each container of the project says it is of: "2.0 2.0".
  std::string releases() {
    std::string out;
    for (const auto& line : lines({"docker", "ps", "--all", "--filter", "label=com.docker.compose.project=" + project_,
                                   "--format", R"({{.Label "wrktalk.release"}})"})) {
      out += (out.empty() ? "" : " ") + line;
    }
    return out;
  }
  std::size_t ran() {
    return lines({"docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project=" + project_}).size();
  }
  std::string word() { return in_web({"sh", "-c", "echo $WORD"}); }
  std::vector<std::string> lines(const std::vector<std::string>& argv) {
    const std::string out = base::trim(run(argv));
    return out.empty() ? std::vector<std::string>() : base::split(out, '\n');
  }
  std::string run(std::vector<std::string> argv) {
    exec::Spec spec;
    spec.argv = std::move(argv);
    for (const char* name : {"PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "WORD"}) {
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
  std::unique_ptr<Deployer> deployer_;
};

std::string saying(const std::string& word) { return web("    environment: {WORD: \"" + word + "\"}\n"); }

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
      Deployer& deployer = engine.begin();
      deployer.preflight(engine.pulse);
      CHECK(deployer.observe(engine.pulse).state == State::absent);
      const Release first = engine.release("1.0", web(""));
      deployer.check(first, engine.pulse);
      deployer.apply(first, engine.pulse);
      deployer.health(first, engine.pulse);
      CHECK(deployer.observe(engine.pulse).version == "1.0");
      engine.deployed("2.0", web("    environment: {RELEASE: \"2\"}\n"));
      CHECK(engine.in_web({"sh", "-c", "echo $RELEASE"}) == "2\n");
      deployer.put_back(ran_before(), first, engine.pulse);
      CHECK(engine.in_web({"sh", "-c", "echo $RELEASE"}) == "\n");
      const Observed seen = deployer.observe(engine.pulse);
      CHECK(seen.state == State::running);
      CHECK(seen.version == "1.0");
    });
  }

  TEST_CASE("a container that dies at once is found, with what it said, and the release before put back") {
    with_each_compose([](Engine& engine) {
      const Release first = engine.deployed("1.0", web(""));
      const Release second =
          engine.release("2.0", web("    command: [\"sh\", \"-c\", \"echo password=hunter2 no database; exit 3\"]\n"));
      Deployer& deployer = engine.begin();
      deployer.apply(second, engine.pulse);  // up itself exits 0
      const auto error = step_error([&] { deployer.health(second, engine.pulse); });
      CHECK(error.left() == Left::dirty);
      CHECK(std::string(error.what()).find("exited with status 3") != std::string::npos);
      CHECK(error.evidence().find("no database") != std::string::npos);
      CHECK(error.evidence().find("hunter2") == std::string::npos);
      deployer.put_back(ran_before(), first, engine.pulse);
      CHECK(deployer.observe(engine.pulse).version == "1.0");
    });
  }

  TEST_CASE("one-shots that end well are well") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web("") + "  once:\n    image: wrktalk-test:1\n    command: [\"true\"]\n");
      CHECK(engine.deployer().observe(engine.pulse).state == State::running);
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
      Deployer& deployer = engine.begin();
      deployer.apply(second, engine.pulse);
      const auto error = step_error([&] { deployer.health(second, engine.pulse); });
      CHECK(std::string(error.what()).find("is running and unhealthy") != std::string::npos);
    });
  }

  TEST_CASE("a crash loop is not taken for a running release") {
    with_each_compose([](Engine& engine) {
      const Release release = engine.release("1.0", web("    command: [\"false\"]\n    restart: always\n"));
      Deployer& deployer = engine.begin();
      deployer.apply(release, engine.pulse);
      const auto error = step_error([&] { deployer.health(release, engine.pulse); });
      CHECK(std::string(error.what()).find("after 9 restarts") != std::string::npos);
    });
  }

  TEST_CASE("an image that is not there leaves what runs untouched") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web(""));
      Deployer& deployer = engine.begin();
      const Release second = engine.release("2.0", "services:\n  web:\n    image: 127.0.0.1:9/none:1\n");
      const auto error = step_error([&] { deployer.apply(second, engine.pulse); });
      CHECK(error.left() == Left::untouched);
      CHECK(std::string(error.what()).find("connection refused") != std::string::npos);
      CHECK(deployer.observe(engine.pulse).version == "1.0");
    });
  }

  TEST_CASE("with nothing before, all goes but the volumes") {
    with_each_compose([](Engine& engine) {
      engine.deployed("1.0", web("    volumes: [\"data:/data\"]\n") + "volumes:\n  data: {}\n");
      Deployer& deployer = engine.begin();
      deployer.put_back(nothing_before(), {}, engine.pulse);
      CHECK(deployer.observe(engine.pulse).state == State::absent);
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
      Deployer& deployer = engine.begin();
      deployer.check(release, engine.pulse);
      deployer.apply(release, engine.pulse);
      deployer.health(release, engine.pulse);
      CHECK(engine.in_web({"sh", "-c", "echo $WORD"}) == "secret-word\n");
      CHECK_FALSE(base::exists(release.tree + "/app/.env"));
    });
  }

  TEST_CASE("a tree that runs is not unpacked again: the same version comes up from beside it") {
    with_each_compose([](Engine& engine) {
      const auto unpack = [&](const std::string& content) {
        const Release release = engine.release("1.0", web("    volumes: [\"./conf:/conf\"]\n"));
        write(release.tree + "/app/conf/word", content);
        return release;
      };
      const Release first = unpack("first");
      engine.begin("task-1").apply(first, engine.pulse);
      const Before before = engine.begin("task-2").before(engine.pulse);
      CHECK(before.version == "1.0");
      const Release second = unpack("second");
      CHECK(second.tree == first.tree + "~2");
      engine.deployer().apply(second, engine.pulse);
      CHECK(engine.in_web({"cat", "/conf/word"}) == "second");
      CHECK(engine.deployer().observe(engine.pulse).version == "1.0");
      CHECK(engine.begin("task-2").home("1.0") == first.tree + "~3");
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(engine.in_web({"cat", "/conf/word"}) == "first");
      engine.deployer().tidy({}, engine.pulse);
      CHECK(base::exists(first.tree));
      CHECK_FALSE(base::exists(second.tree));
    });
  }

  TEST_CASE("a stack that somebody made by hand is brought back from its own files, and never taken down") {
    with_each_compose([](Engine& engine) {
      const std::string site = engine.dir.path() + "/site";
      write(site + "/.env", "WORD=first\n");
      engine.by_hand(site, web("    environment: {WORD: \"${WORD}\"}\n    volumes: [\"./data:/data\"]\n"));
      CHECK(engine.word() == "first\n");
      Deployer& first = engine.begin();
      first.preflight(engine.pulse);
      const Before before = first.before(engine.pulse);
      CHECK(before.state == Before::State::running);
      CHECK_FALSE(before.version);
      CHECK_FALSE(first.needs_tree_to_put_back(before, engine.pulse));
      const Release release =
          engine.release("2.0", saying("second") + "  more:\n    image: wrktalk-test:1\n    init: true\n");
      first.apply(release, engine.pulse);
      CHECK(engine.word() == "second\n");

      Deployer& second = engine.begin();
      const auto applied = second.put_back(before_from_json(to_json(before)), {}, engine.pulse);
      CHECK(applied.summary == "project " + engine.project() + ": what ran before is up again");
      CHECK(engine.word() == "first\n");
      CHECK(engine.ran() == 1);
      second.tidy({}, engine.pulse);
      CHECK_FALSE(base::exists(release.tree));
      CHECK(base::exists(site + "/docker-compose.yml"));
    });
  }

  TEST_CASE("what cannot be brought back is unknown, and the reason is said") {
    with_each_compose([](Engine& engine) {
      const std::string site = engine.dir.path() + "/site";
      engine.by_hand(site, saying("first"));
      base::remove_tree(site);
      const Before before = engine.begin().before(engine.pulse);
      CHECK(before.state == Before::State::unknown);
      CHECK(before.detail.find("it cannot be put back from its own files: its file " + site +
                               "/docker-compose.yml is not here") != std::string::npos);
      // The newest file does not name what an older one brought up.
      engine.by_hand(site, saying("first"));
      write(engine.dir.path() + "/other/docker-compose.yml",
            "version: \"3.8\"\nservices:\n  other:\n    image: wrktalk-test:1\n    init: true\n");
      std::vector<std::string> words = {"docker", "compose"};
      if (engine.settings.compose_bin != "docker") words = {engine.settings.compose_bin};
      words.insert(words.end(),
                   {"-p", engine.project(), "-f", engine.dir.path() + "/other/docker-compose.yml", "up", "-d"});
      engine.run(words);
      REQUIRE(engine.ran() == 2);
      const Before mixed = engine.begin().before(engine.pulse);
      CHECK(mixed.state == Before::State::unknown);
      CHECK(mixed.detail.find("comes from another compose file than the newest") != std::string::npos);
    });
  }

  TEST_CASE("a file that a container mounts is as stored again after a put-back, also where compose sees no change") {
    with_each_compose([](Engine& engine) {
      const std::string mounts = saying("first") + "    volumes: [\"./conf:/conf\", \"./app.ini:/app.ini\"]\n";
      const auto unpacked = [&](const std::string& version, const std::string& text) {
        const Release made = engine.release(version, text);
        write(made.tree + "/app/conf/word", "stored");
        write(made.tree + "/app/app.ini", "stored");
        engine.deployer().check(made, engine.pulse);
        return made;
      };
      engine.begin("first");
      const Release first = unpacked("1.0", mounts);
      engine.deployer().apply(first, engine.pulse);
      Deployer& second = engine.begin("second");
      const Before before = second.before(engine.pulse);
      std::ofstream(first.tree + "/app/app.ini") << "changed";  // as an editor that keeps the file
      CHECK(engine.in_web({"cat", "/app.ini"}) == "changed");
      REQUIRE(second.needs_tree_to_put_back(before, engine.pulse));
      Release stored{"1.0", second.home_beside("1.0", before), {}, {}};
      write(stored.tree + "/app/app.ini", "stored");
      second.put_back(before, stored, engine.pulse);
      CHECK(engine.in_web({"cat", "/app.ini"}) == "stored");
      CHECK(engine.in_web({"cat", "/conf/word"}) == "stored");
    });
  }

  TEST_CASE("a release of ours whose tree is gone is put back from what is stored") {
    with_each_compose([](Engine& engine) {
      const Release first = engine.deployed("1.0", saying("first"));
      const Before before = engine.begin("task-2").before(engine.pulse);
      engine.deployed("2.0", saying("second"));
      CHECK_FALSE(engine.deployer().needs_tree_to_put_back(before, engine.pulse));
      base::remove_tree(first.tree);
      CHECK(engine.deployer().needs_tree_to_put_back(before, engine.pulse));
      const auto gone = step_error([&] { engine.deployer().put_back(before, {}, engine.pulse); });
      CHECK(gone.left() == Left::not_put_back);
      CHECK(engine.word() == "second\n");
      engine.deployer().put_back(before, engine.release("1.0", saying("first")), engine.pulse);
      CHECK(engine.word() == "first\n");
    });
  }

  TEST_CASE("every container is of the release, also one that compose would leave as it is") {
    with_each_compose([](Engine& engine) {
      const std::string same = "  same:\n    image: wrktalk-test:1\n    init: true\n    stop_grace_period: 1s\n";
      for (const std::string version : {"1.0", "2.0", "3.0"}) {
        engine.begin(("task-" + version).c_str());
        engine.deployed(version, saying("word") + same);
        CHECK(engine.releases() == version + " " + version);
        CHECK(engine.deployer().observe(engine.pulse).version == version);
      }
      const Before before = engine.begin("task-4").before(engine.pulse);
      CHECK(before.version == "3.0");
      const Release bad = engine.release("4.0", web("    command: [\"sh\", \"-c\", \"exit 3\"]\n") + same);
      engine.deployer().apply(bad, engine.pulse);
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(engine.releases() == "3.0 3.0");
    });
  }

  TEST_CASE("a service whose profile is off in the new release, or that it no longer has, does not run on") {
    with_each_compose([](Engine& engine) {
      const std::string worker = "    image: wrktalk-test:1\n    init: true\n    stop_grace_period: 1s\n";
      engine.begin("task-1");
      engine.deployed("1.0", saying("first") + "  worker:\n" + worker + "  old:\n" + worker);
      CHECK(engine.ran() == 3);
      const Before before = engine.begin("task-2").before(engine.pulse);
      engine.deployed("2.0", saying("second") + "  worker:\n" + worker + "    profiles: [extra]\n");
      CHECK(engine.releases() == "2.0");
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(engine.releases() == "1.0 1.0 1.0");
    });
  }

  TEST_CASE("a tag that was moved: what is put back, and what is rolled back to, runs the image that ran") {
    with_each_compose([](Engine& engine) {
      const std::string tag = engine.project() + ":now";
      const auto tagged = [&](const char* image) { engine.run({"docker", "tag", image, tag}); };
      const auto image = [&] {
        return base::trim(engine.run(
            {"docker", "inspect", "--format", "{{.Image}}",
             engine
                 .lines({"docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project=" + engine.project()})
                 .front()}));
      };
      std::string text = saying("first");
      text.replace(text.find("wrktalk-test:1"), 14, tag);
      tagged("wrktalk-test:1");
      engine.begin("task-1");
      Release first = engine.deployed("1.0", text);
      const std::string old_image = image();
      Before before = engine.begin("task-2").before(engine.pulse);
      tagged("wrktalk-test:2");
      engine.deployed("2.0", text);
      const std::string new_image = image();
      REQUIRE(old_image != new_image);
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(image() == old_image);

      Deployer& rollback = engine.begin("task-3");
      Release again = engine.release("1.0", text);
      again.ran = before;
      const auto applied = rollback.apply(again, engine.pulse);
      rollback.health(again, engine.pulse);
      CHECK(image() == old_image);
      CHECK(applied.summary.find("by its id, as it ran before: web") != std::string::npos);
      engine.begin("task-4");
      engine.deployed("1.0", text);  // a deployment takes what the tag means today
      CHECK(image() == new_image);
    });
  }

  TEST_CASE("data in the tree goes with the upgrade, with what is put back, and is there after a down") {
    with_each_compose([](Engine& engine) {
      const std::string text = saying("x") + "    volumes: [\"./data:/data\", \"./conf:/conf\"]\n";
      const auto deploy = [&](const std::string& version, const std::string& compose_file) {
        const Release made = engine.release(version, compose_file);
        write(made.tree + "/app/conf/app.ini", version);
        engine.deployer().check(made, engine.pulse);
        engine.deployer().apply(made, engine.pulse);
        return made;
      };
      const auto words = [&] { return engine.in_web({"sh", "-c", "cat /data/word /conf/state /conf/app.ini"}); };
      engine.begin("task-1");
      const Release first = deploy("1.0", text);
      engine.deployer().health(first, engine.pulse);
      engine.in_web({"sh", "-c", "echo word >/data/word; echo state >/conf/state"});
      const Before before = engine.begin("task-2").before(engine.pulse);
      const Release second = deploy("2.0", text);
      CHECK(words() == "word\nstate\n2.0");
      CHECK_FALSE(base::exists(first.tree + "/app/data"));
      engine.in_web({"sh", "-c", "echo more >>/data/word"});
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(words() == "word\nmore\nstate\n1.0");

      engine.begin("task-3").put_back(nothing_before(), {}, engine.pulse);
      CHECK(engine.ran() == 0);
      engine.deployer().tidy({}, engine.pulse);
      CHECK(base::exists(first.tree + "/app/data/word"));
      engine.begin("task-4");
      const Release again = deploy("1.0", text);
      CHECK(again.tree == first.tree + "~2");
      CHECK(words() == "word\nmore\nstate\n1.0");
      engine.deployer().tidy({"1.0"}, engine.pulse);
      CHECK_FALSE(base::exists(first.tree));
    });
  }

  TEST_CASE("no tree goes that a container of anybody mounts") {
    with_each_compose([](Engine& engine) {
      const Release first = engine.deployed("1.0", web(""));
      write(first.tree + "/app/file", "x");
      const std::string name = engine.project() + "-other";
      engine.run({"docker", "create", "--name", name, "--network", "none", "--volume", first.tree + "/app:/app",
                  "wrktalk-test:1"});
      engine.begin("task-2");
      engine.deployed("2.0", web(""));
      engine.deployer().tidy({"2.0"}, engine.pulse);
      CHECK(base::exists(first.tree + "/app/file"));
      CHECK(engine.deployer().home("1.0") == first.tree + "~2");
      engine.run({"docker", "rm", "--force", name});
      engine.deployer().tidy({"2.0"}, engine.pulse);
      CHECK_FALSE(base::exists(first.tree));
    });
  }

  TEST_CASE("a stack made by hand that needs what only a shell had, or whose files are refused, cannot be put back") {
    with_each_compose([](Engine& engine) {
      const std::string site = engine.dir.path() + "/site";
      ::setenv("WORD", "first", 1);
      engine.by_hand(site, web("    environment: {WORD: \"${WORD}\"}\n"));
      ::unsetenv("WORD");
      const Before before = engine.begin().before(engine.pulse);
      CHECK(before.state == Before::State::unknown);
      CHECK(before.detail.find("its files need the variable WORD, which was set by hand") != std::string::npos);
      write(site + "/docker-compose.yml", "services: {web: {imagee: x}}\n");
      CHECK(engine.begin().before(engine.pulse).detail.find("compose refuses its files") != std::string::npos);
    });
  }

  TEST_CASE(
      "of a stack made by hand what ran is brought back: also a service whose profile was on, and so many containers") {
    with_each_compose([](Engine& engine) {
      const std::string site = engine.dir.path() + "/site";
      const std::string more = "    image: wrktalk-test:1\n    init: true\n    stop_grace_period: 1s\n";
      write(site + "/docker-compose.yml",
            "version: \"3.8\"\n" + saying("first") + "  debug:\n" + more + "    profiles: [debug]\n  idle:\n" + more);
      std::vector<std::string> words = {"docker", "compose"};
      if (engine.settings.compose_bin != "docker") words = {engine.settings.compose_bin};
      words.insert(words.end(), {"-p", engine.project(), "-f", site + "/docker-compose.yml", "up", "-d", "--scale",
                                 "web=2", "web", "debug"});
      engine.run(words);
      REQUIRE(engine.ran() == 3);
      const Before before = engine.begin().before(engine.pulse);
      CHECK(before.state == Before::State::running);
      const Release release = engine.release("2.0", saying("second"));
      engine.deployer().apply(release, engine.pulse);
      CHECK(engine.releases() == "2.0");
      engine.deployer().put_back(before, {}, engine.pulse);
      CHECK(engine.word() == "first\n");
      CHECK(engine.ran() == 3);
    });
  }

  TEST_CASE("a container that ends after some seconds again and again is not well") {
    with_each_compose([](Engine& engine) {
      const Release release = engine.release("1.0", web("    command: [\"sleep\", \"3\"]\n    restart: always\n"));
      engine.begin().apply(release, engine.pulse);
      engine.settings.compose_settle = std::chrono::seconds(4);
      engine.settings.compose_timeout = std::chrono::seconds(8);
      const auto error = step_error([&] { engine.begin().health(release, engine.pulse); });
      CHECK(error.left() == Left::dirty);
      CHECK(std::string(error.what()).find("restarts") != std::string::npos);
    });
  }

  TEST_CASE("with nothing before, what others brought up meanwhile stays") {
    with_each_compose([](Engine& engine) {
      const Before before = engine.begin().before(engine.pulse);
      CHECK(before.state == Before::State::nothing);
      engine.by_hand(engine.dir.path() + "/site", saying("by hand"));
      const auto error = step_error([&] { engine.deployer().put_back(before, {}, engine.pulse); });
      CHECK(error.left() == Left::not_put_back);
      CHECK(std::string(error.what()).find("has containers that this task did not make") != std::string::npos);
      CHECK(engine.word() == "by hand\n");
    });
  }

  TEST_CASE(
      "a bundle that compose refuses, leaves its tree, or holds no compose file is refused before anything is "
      "touched") {
    with_each_compose([](Engine& engine) {
      Deployer& deployer = engine.begin();
      const auto refused = [&](const Release& release) {
        try {
          deployer.check(release, engine.pulse);
        } catch (const base::Error& e) {
          CHECK(e.kind() == base::Kind::artifact);
          return std::string(e.what());
        }
        return std::string("accepted");
      };
      CHECK(refused(engine.release("1.0", "services:\n  web:\n    imagee: x\n")).find("imagee") != std::string::npos);
      CHECK(refused(engine.release("2.0", web("    env_file: /etc/passwd\n"))).find("/etc/passwd") !=
            std::string::npos);
      const Release empty{"3.0", deployer.home("3.0"), {}, {}};
      write(empty.tree + "/Chart.yaml", "");
      CHECK(refused(empty) == "the release has no compose file at its top or in its one top folder");
    });
  }

  TEST_CASE("an engine that does not answer is named, with what to do") {
    with_each_compose([](Engine& engine) {
      const std::string before = std::getenv("DOCKER_HOST");
      ::setenv("DOCKER_HOST", "unix:///no/such/socket", 1);
      try {
        engine.deployer().preflight(engine.pulse);
        FAIL("it answered");
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::child);
        CHECK(e.hint().find("check that the engine runs") == 0);
      }
      ::setenv("DOCKER_HOST", before.c_str(), 1);
    });
  }

  TEST_CASE("a release is judged as written and as compose makes it, by each compose alike") {
    with_each_compose([](Engine& engine) {
      const auto checked = [&](const std::string& version, const std::string& text, const std::string& env = {}) {
        Release release = engine.release(version, text);
        if (!env.empty()) {
          release.env_file = engine.dir.path() + "/env-" + version;
          write(*release.env_file, env, 0600);
        }
        return engine.deployer().check(release, engine.pulse);
      };
      const auto refusal = [&](const std::string& version, const std::string& text, const std::string& env = {}) {
        try {
          checked(version, text, env);
        } catch (const base::Error& e) {
          CHECK(e.kind() == base::Kind::artifact);
          return std::string(e.what());
        }
        return std::string();
      };
      engine.settings.policy = policy::Policy(policy::Level::warn);
      engine.begin();
      CHECK(checked("1.0", saying("one")).empty());
      CHECK(checked("1.1", web("    volumes: [\"./x:/x\", \"data:/d\"]\nvolumes: {data: {}}\n")).empty());
      // Filled in by compose: nothing of it stands in the file.
      CHECK(
          checked("1.2", web("    privileged: true\n    pid: ${PID}\n    volumes: [\"${WHERE}:/x\"]\n"),
                  "PID=host\nWHERE=/etc\n") ==
          std::vector<std::string>{"policy: service web is privileged (privileged)",
                                   "policy: service web shares a namespace with the host: pid: host (host_namespaces)",
                                   "policy: service web mounts /etc, which lies outside the release (host_paths)"});
      CHECK(refusal("1.3",
                    "x-a: 1\xE2\x80\xA8services:\n  web:\n    image: wrktalk-test:1\n    env_file: /etc/passwd\n") ==
            "app/docker-compose.yml:6: 'env_file' names /etc/passwd, which is not in the release");
      CHECK(refusal("1.4", web("    provider: {type: ./run}\n")) ==
            "the policy refuses this release: app/docker-compose.yml:7: service web starts a program on this machine: "
            "provider ./run "
            "(host_programs)");

      engine.settings.policy = policy::Policy(policy::Level::strict);
      engine.settings.policy.set(policy::Rule::unpinned_images, policy::Action::allow);
      engine.settings.policy.data_dirs = {engine.dir.path() + "/data"};
      engine.begin();
      write(engine.dir.path() + "/data/x", "");
      REQUIRE(::symlink("/etc", (engine.dir.path() + "/data/link").c_str()) == 0);
      CHECK(refusal("2.0", web("    volumes: [\"${WHERE}:/x\"]\n"), "WHERE=" + engine.dir.path() + "/data/x\n") == "");
      const std::string link = engine.dir.path() + "/data/link/ssl";
      CHECK(refusal("2.1", web("    volumes: [\"" + link + ":/x\"]\n")) ==
            "the policy refuses this release: service web mounts " + link +
                ", which lies outside the release (host_paths)");
      CHECK(refusal("2.2", web("    volumes: [\"${SOCK:-/var/run/docker.sock}:/x\"]\n")) ==
            "the policy refuses this release: service web mounts /var/run/docker.sock, which gives it the container "
            "engine "
            "(engine_socket)");
      // Beside the file that compose is pointed to; it would be merged in without -f.
      const Release plain = engine.release("2.3", saying("x"));
      write(plain.tree + "/app/docker-compose.override.yml", "version: \"3.8\"\nservices: {web: {privileged: true}}\n");
      const auto said = engine.deployer().check(plain, engine.pulse);
      REQUIRE(said.size() == 1);
      CHECK(said[0].find("docker-compose.override.yml") != std::string::npos);
      engine.deployer().apply(plain, engine.pulse);
      CHECK(base::trim(engine.run(
                {"docker", "inspect", "--format", "{{.HostConfig.Privileged}}",
                 base::trim(engine.run({"docker", "ps", "--quiet", "--filter",
                                        "label=com.docker.compose.project=" + engine.project()}))})) == "false");
    });
  }
}
