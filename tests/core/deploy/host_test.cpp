// SPDX-License-Identifier: Apache-2.0
#include "tests/core/deploy/support.hpp"

#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

namespace {

struct Host {
  Host() {
    settings.host_root = dir.path() + "/root";
    settings.host_timeout = std::chrono::milliseconds(2000);
  }
  /// Scripts that record how they were run, and then do as they are told.
  std::string program(const char* name, const std::string& script) const {
    const std::string path = dir.path() + "/" + name;
    write(path,
          "#!/bin/sh\necho " + std::string(name) + " $WRKTALK_VERSION $WRKTALK_RELEASE_DIR $PWD >>" + log_file() +
              "\n" + script + "\n",
          0755);
    return path;
  }
  std::string log_file() const { return dir.path() + "/log"; }
  std::string log() const { return base::read_file_if_exists(log_file(), 10'000).value_or(""); }
  std::unique_ptr<Deployer> deployer(const char* target = "host:node") {
    return make_deployer(parse_target(target), settings, "task", fence.get());
  }
  Release release(const std::string& version) {
    const Release made{version, deployer()->home(version), {}, {}};
    write(made.tree + "/app", version);
    return made;
  }
  std::string current() const {
    return base::read_file_if_exists(settings.host_root + "/current/app", 100).value_or("");
  }

  base::TempDir dir{"/tmp", "host-test-"};
  Settings settings;
  LongFence fence;
  base::NoPulse pulse;
};

}  // namespace

TEST_SUITE("deploy::host") {
  TEST_CASE("a release is activated, upgraded and put back by one link") {
    Host host;
    const auto deployer = host.deployer();
    deployer->preflight(host.pulse);
    CHECK(deployer->observe(host.pulse).state == State::absent);
    const Release first = host.release("1.0");
    const Release second = host.release("2.0");
    deployer->check(first, host.pulse);
    deployer->apply(first, host.pulse);
    CHECK(host.current() == "1.0");
    deployer->apply(second, host.pulse);
    CHECK(host.current() == "2.0");
    CHECK(deployer->observe(host.pulse).version == "2.0");
    deployer->put_back(first, {}, host.pulse);
    CHECK(host.current() == "1.0");
    CHECK(deployer->observe(host.pulse).state == State::running);
    CHECK_FALSE(deployer->roll_back_to(1, host.pulse));
    deployer->put_back({}, {}, host.pulse);
    CHECK(deployer->observe(host.pulse).state == State::absent);
  }

  TEST_CASE("instances of one host do not meet") {
    Host host;
    const auto blue = host.deployer("host:node/blue");
    const std::string tree = blue->home("1.0");
    CHECK(tree == host.settings.host_root + "/blue/releases/1.0");
    write(tree + "/app", "blue");
    blue->apply({"1.0", tree, {}, {}}, host.pulse);
    CHECK(host.deployer()->observe(host.pulse).state == State::absent);
  }

  TEST_CASE("the activate command runs in the tree and is told what it is") {
    Host host;
    host.settings.host_activate = host.program("activate", "");
    const Release release = host.release("1.0");
    host.deployer()->apply(release, host.pulse);
    CHECK(host.log() == "activate 1.0 " + release.tree + " " + release.tree + "\n");
  }

  TEST_CASE("our settings and passwords are not in the command's environment") {
    Host host;
    ::setenv("WRKTALK_AGENT_DB_PASSWORD", "hunter2", 1);
    ::setenv("PGPASSWORD", "hunter2", 1);
    host.settings.host_activate = host.program("activate", "env >" + host.dir.path() + "/env");
    host.deployer()->apply(host.release("1.0"), host.pulse);
    const std::string environment = base::read_file(host.dir.path() + "/env", 100'000);
    CHECK(environment.find("hunter2") == std::string::npos);
    CHECK(environment.find("PATH=") != std::string::npos);
    ::unsetenv("WRKTALK_AGENT_DB_PASSWORD");
    ::unsetenv("PGPASSWORD");
  }

  TEST_CASE("a failed activate command is told with its words, and the release before is activated again") {
    Host host;
    host.settings.host_activate = host.program("activate", "[ $WRKTALK_VERSION = 1.0 ] || { echo no db >&2; exit 7; }");
    const auto deployer = host.deployer();
    const Release first = host.release("1.0");
    deployer->apply(first, host.pulse);
    const auto error = step_error([&] { deployer->apply(host.release("2.0"), host.pulse); });
    CHECK(error.left() == Left::dirty);
    CHECK(std::string(error.what()) == "the activate command of 2.0 exited with status 7");
    CHECK(error.evidence() == "no db\n");
    deployer->put_back(first, {}, host.pulse);
    CHECK(host.current() == "1.0");
  }

  TEST_CASE("health is asked until it is good, or the time is over") {
    Host host;
    const std::string count = host.dir.path() + "/count";
    host.settings.host_health = host.program("health", "echo x >>" + count + "; [ $(wc -l <" + count + ") -ge 3 ]");
    const Release release = host.release("1.0");
    CHECK_NOTHROW(host.deployer()->health(release, host.pulse));
    host.settings.host_health = host.program("health", "echo still down; exit 1");
    const auto error = step_error([&] { host.deployer()->health(release, host.pulse); });
    CHECK(error.left() == Left::dirty);
    CHECK(error.evidence() == "still down\n");
    host.settings.host_health = host.program("health", "sleep 60");
    CHECK(step_error([&] { host.deployer()->health(release, host.pulse); }).left() == Left::dirty);
  }

  TEST_CASE("a put-back that cannot be done says so") {
    Host host;
    const auto deployer = host.deployer();
    deployer->apply(host.release("2.0"), host.pulse);
    const Release gone{"1.0", host.settings.host_root + "/releases/1.0", {}, {}};
    CHECK(step_error([&] { deployer->put_back(gone, {}, host.pulse); }).left() == Left::not_put_back);
    CHECK(host.current() == "2.0");
    host.settings.host_activate = host.program("activate", "exit 1");
    const Release first = host.release("1.0");
    CHECK(step_error([&] { host.deployer()->put_back(first, {}, host.pulse); }).left() == Left::not_put_back);
  }

  TEST_CASE("a link that leads nowhere is broken, a half-made one is cleared away") {
    Host host;
    const auto deployer = host.deployer();
    deployer->apply(host.release("1.0"), host.pulse);
    base::remove_tree(host.settings.host_root + "/releases/1.0");
    REQUIRE(::symlink("releases/2.0", (host.settings.host_root + "/current.new").c_str()) == 0);
    const Observed seen = deployer->observe(host.pulse);
    CHECK(seen.state == State::broken);
    deployer->recover(seen, host.pulse);
    CHECK_FALSE(base::exists(host.settings.host_root + "/current.new"));
  }

  TEST_CASE("trees that are not kept are removed, half-unpacked ones too") {
    Host host;
    for (const char* version : {"1.0", "2.0", "3.0", "3.0.part-abc"}) host.release(version);
    host.deployer()->tidy({"2.0", "3.0"});
    CHECK_FALSE(base::exists(host.settings.host_root + "/releases/1.0"));
    CHECK_FALSE(base::exists(host.settings.host_root + "/releases/3.0.part-abc"));
    CHECK(base::exists(host.settings.host_root + "/releases/2.0/app"));
  }

  TEST_CASE("settings that cannot work are refused before anything is touched") {
    Host host;
    host.settings.host_activate = "/no/such/program";
    CHECK_THROWS_WITH_AS(host.deployer()->preflight(host.pulse),
                         "cannot run /no/such/program: No such file or directory", base::Error);
    CHECK_FALSE(base::exists(host.settings.host_root));
    CHECK_THROWS_AS(host.deployer()->home("../1.0"), base::Error);
    CHECK_THROWS_AS(host.deployer()->check({"1.0", host.dir.path() + "/none", {}, {}}, host.pulse), base::Error);
  }

  TEST_CASE("a folder that somebody else prepared under /tmp is not used") {
    Host host;
    const std::string shared = host.dir.path() + "/shared";
    base::make_directories(shared, 0755);
    ::chmod(shared.c_str(), 01777);
    host.settings.host_root = shared + "/wrktalk";
    REQUIRE(::symlink("/tmp", host.settings.host_root.c_str()) == 0);
    CHECK_THROWS_AS(host.deployer()->home("1.0"), base::Error);
    ::unlink(host.settings.host_root.c_str());
    base::make_directories(host.settings.host_root, 0755);
    ::chmod(host.settings.host_root.c_str(), 0777);
    CHECK_THROWS_AS(host.deployer()->home("1.0"), base::Error);
    ::chmod(host.settings.host_root.c_str(), 0755);
    CHECK_NOTHROW(host.deployer()->home("1.0"));
  }
}
