// SPDX-License-Identifier: Apache-2.0
#include "tests/core/deploy/host_fixture.hpp"

#include <cstdlib>
#include <sys/stat.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

TEST_SUITE("deploy::host") {
  TEST_CASE("a release is activated, upgraded and put back by one link") {
    Host host;
    Deployer& deployer = host.begin();
    deployer.preflight(host.pulse);
    CHECK(deployer.observe(host.pulse).state == State::absent);
    const Release first = host.release("1.0");
    const Release second = host.release("2.0");
    deployer.check(first, host.pulse);
    deployer.apply(first, host.pulse);
    CHECK(host.current() == "1.0");
    deployer.apply(second, host.pulse);
    CHECK(host.current() == "2.0");
    CHECK(deployer.observe(host.pulse).version == "2.0");
    deployer.put_back(ran_before(), first, host.pulse);
    CHECK(host.current() == "1.0");
    CHECK(deployer.observe(host.pulse).state == State::running);
    CHECK(deployer.revisions() == nullptr);
    CHECK(deployer.images() == nullptr);
    deployer.put_back(nothing_before(), {}, host.pulse);
    CHECK(deployer.observe(host.pulse).state == State::absent);
  }

  TEST_CASE("instances of one host do not meet") {
    Host host;
    Deployer& blue = host.begin("task", "host:node/blue");
    const std::string tree = blue.home("1.0");
    CHECK(tree == host.settings.host_root + "/blue/releases/1.0");
    write(tree + "/app", "blue");
    blue.apply({"1.0", tree, {}, {}}, host.pulse);
    CHECK(host.begin().observe(host.pulse).state == State::absent);
  }

  TEST_CASE("the activate command runs in the tree and is told what it is") {
    Host host;
    host.settings.host_activate = host.program("activate", "");
    const Release release = host.release("1.0");
    host.deployer().apply(release, host.pulse);
    CHECK(host.log() == "activate 1.0 " + release.tree + " " + release.tree + "\n");
  }

  TEST_CASE("our settings and passwords are not in the command's environment") {
    Host host;
    ::setenv("WRKTALK_AGENT_DB_PASSWORD", "hunter2", 1);
    ::setenv("PGPASSWORD", "hunter2", 1);
    host.settings.host_activate = host.program("activate", "env >" + host.dir.path() + "/env");
    host.deployer().apply(host.release("1.0"), host.pulse);
    const std::string environment = base::read_file(host.dir.path() + "/env", 100'000);
    CHECK(environment.find("hunter2") == std::string::npos);
    CHECK(environment.find("PATH=") != std::string::npos);
    ::unsetenv("WRKTALK_AGENT_DB_PASSWORD");
    ::unsetenv("PGPASSWORD");
  }

  TEST_CASE("the programs get the release's variables, but for those that find programs") {
    Host host;
    const std::string seen = host.dir.path() + "/seen";
    host.settings.host_activate =
        host.program("activate", "printf '%s|' \"$WORD\" \"$TZ\" >>" + seen + "; env >" + seen + ".all");
    auto release = host.release("1.0");
    release.env_file = host.dir.path() + "/site.env";
    write(*release.env_file, "WORD='a $b # c'\nTZ=Asia/Tokyo\nPATH=/nowhere\nLD_PRELOAD=/x.so\nWRKTALK_VERSION=9\n",
          0600);
    CHECK(host.deployer().check(release, host.pulse).size() == 3);
    host.deployer().apply(release, host.pulse);
    CHECK(base::read_file(seen, 1000) == "a $b # c|Asia/Tokyo|");
    const std::string all = base::read_file(seen + ".all", 100'000);
    CHECK(all.find("/nowhere") == std::string::npos);
    CHECK(all.find("LD_PRELOAD") == std::string::npos);
    CHECK(all.find("WRKTALK_VERSION=1.0\n") != std::string::npos);
    host.end();
    // What ran before is put back with what it had.
    host.begin("next");
    const auto before = host.deployer().before(host.pulse);
    host.deployer().apply(host.release("2.0"), host.pulse);
    host.deployer().give_variables_of_before(release.env_file);
    host.deployer().put_back(before, std::nullopt, host.pulse);
    CHECK(base::read_file(seen, 1000).find("|a $b # c|Asia/Tokyo|", 10) != std::string::npos);
  }

  TEST_CASE("a failed activate command is told with its words, and the release before is activated again") {
    Host host;
    host.settings.host_activate = host.program("activate", "[ $WRKTALK_VERSION = 1.0 ] || { echo no db >&2; exit 7; }");
    Deployer& deployer = host.begin();
    const Release first = host.release("1.0");
    deployer.apply(first, host.pulse);
    const auto error = step_error([&] { deployer.apply(host.release("2.0"), host.pulse); });
    CHECK(error.left() == Left::dirty);
    CHECK(std::string(error.what()) == "the activate command of 2.0 exited with status 7");
    CHECK(error.evidence() == "no db\n");
    deployer.put_back(ran_before(), first, host.pulse);
    CHECK(host.current() == "1.0");
  }

  TEST_CASE("health is asked until it is good, or the time is over") {
    Host host;
    const std::string count = host.dir.path() + "/count";
    host.settings.host_health = host.program("health", "echo x >>" + count + "; [ $(wc -l <" + count + ") -ge 3 ]");
    const Release release = host.release("1.0");
    CHECK_NOTHROW(host.deployer().health(release, host.pulse));
    host.settings.host_health = host.program("health", "echo still down; exit 1");
    const auto error = step_error([&] { host.begin().health(release, host.pulse); });
    CHECK(error.left() == Left::dirty);
    CHECK(error.evidence() == "still down\n");
    host.settings.host_health = host.program("health", "sleep 60");
    CHECK(step_error([&] { host.begin().health(release, host.pulse); }).left() == Left::dirty);
  }

  TEST_CASE("a link that leads nowhere is broken, a half-made one is cleared away") {
    Host host;
    Deployer& deployer = host.begin();
    deployer.apply(host.release("1.0"), host.pulse);
    base::remove_tree(host.settings.host_root + "/releases/1.0");
    REQUIRE(::symlink("releases/2.0", (host.settings.host_root + "/current.new").c_str()) == 0);
    const Observed seen = deployer.observe(host.pulse);
    CHECK(seen.state == State::broken);
    deployer.recover(seen, host.pulse);
    CHECK_FALSE(base::exists(host.settings.host_root + "/current.new"));
  }

  TEST_CASE("settings that cannot work are refused before anything is touched") {
    Host host;
    host.settings.host_activate = "/no/such/program";
    CHECK_THROWS_WITH_AS(host.deployer().preflight(host.pulse),
                         "cannot run /no/such/program: No such file or directory", base::Error);
    CHECK_FALSE(base::exists(host.settings.host_root));
    CHECK_THROWS_AS(host.deployer().home("../1.0"), base::Error);
    CHECK_THROWS_AS(host.deployer().check({"1.0", host.dir.path() + "/none", {}, {}}, host.pulse), base::Error);
  }

  TEST_CASE("a program that others may write to is refused before anything is touched, and is not run") {
    for (const auto setting : {&Settings::host_activate, &Settings::host_health}) {
      Host host;
      host.settings.*setting = host.program("act", "");
      ::chmod((host.settings.*setting).c_str(), 0757);
      const auto error = error_of([&] { host.deployer().preflight(host.pulse); });
      CHECK(error.kind() == base::Kind::configuration);
      CHECK(error.hint() == "run chmod o-w " + host.settings.*setting);
      CHECK_FALSE(base::exists(host.settings.host_root));
      const Release made = host.release("1.0");
      CHECK_THROWS_AS((host.deployer().apply(made, host.pulse), host.deployer().health(made, host.pulse)), base::Error);
      CHECK(host.log().empty());
    }
  }

  TEST_CASE("a folder that somebody else prepared under /tmp is not used") {
    Host host;
    const std::string shared = host.dir.path() + "/shared";
    base::make_directories(shared, 0755);
    ::chmod(shared.c_str(), 01777);
    host.settings.host_root = shared + "/wrktalk";
    REQUIRE(::symlink("/tmp", host.settings.host_root.c_str()) == 0);
    CHECK_THROWS_AS(host.deployer().home("1.0"), base::Error);
    ::unlink(host.settings.host_root.c_str());
    base::make_directories(host.settings.host_root, 0755);
    ::chmod(host.settings.host_root.c_str(), 0777);
    CHECK_THROWS_AS(host.deployer().home("1.0"), base::Error);
    ::chmod(host.settings.host_root.c_str(), 0755);
    CHECK_NOTHROW(host.deployer().home("1.0"));
  }

  TEST_CASE("what is put back is what was stored, and what the archive did not hold stays") {
    Host host;
    const auto unpacked = [&](const std::string& version) {
      const Release made = host.release(version);
      host.deployer().check(made, host.pulse);
      return made;
    };
    host.begin("first");
    const Release first = unpacked("1.0");
    host.deployer().apply(first, host.pulse);
    Deployer& second = host.begin("second");
    const Before before = second.before(host.pulse);
    second.apply(unpacked("2.0"), host.pulse);
    CHECK_FALSE(second.needs_tree_to_put_back(before, host.pulse));
    write(first.tree + "/app", "changed by hand");
    write(first.tree + "/uploads/1", "data");
    REQUIRE(second.needs_tree_to_put_back(before, host.pulse));
    CHECK(second.put_back(before, {}, host.pulse).summary ==
          host.link_path() +
              " -> releases/1.0; 1 of its files were changed on this machine (app) and stay so: "
              "the release is not stored any more");
    CHECK(host.current() == "changed by hand");

    const Release stored{"1.0", second.home_beside("1.0", before), {}, {}};
    CHECK(stored.tree != first.tree);
    write(stored.tree + "/app", "1.0");
    const std::string aside = host.path(".wrktalk/changed/second/1.0");
    CHECK(second.put_back(before, stored, host.pulse).summary ==
          host.link_path() +
              " -> releases/1.0; 1 of its files were changed on this machine (app) and are again as "
              "stored; what they were lies in " +
              aside);
    CHECK(host.current() == "1.0");
    CHECK(base::read_file(aside + "/app", 100) == "changed by hand");
    CHECK(base::read_file(first.tree + "/uploads/1", 100) == "data");

    // What cannot be restored does not keep the release from running again.
    write(first.tree + "/app", "changed again");
    base::remove_tree(host.path(".wrktalk/changed"));
    write(host.path(".wrktalk/changed"), "in the way");
    second.apply(unpacked("2.0"), host.pulse);
    write(stored.tree + "/app", "1.0");
    const auto error = step_error([&] { second.put_back(before, stored, host.pulse); });
    CHECK(error.left() == Left::not_put_back);
    CHECK(std::string(error.what())
              .find("1.0 runs again, but 1 of its files were changed on this machine (app) and "
                    "could not all be restored: ") == 0);
    CHECK(host.current() == "changed again");
  }

  TEST_CASE("what ran before is put back as it was, whoever made it and however the link is spelled") {
    struct Case {
      const char* tree;  ///< in ROOT unless it begins with a slash
      std::string link;
      const char* version;
    };
    Host host;
    const std::string outside = host.dir.path() + "/elsewhere";
    for (const Case& c : {Case{"releases/20260101", "releases/20260101", "20260101"},
                          Case{"releases/20260101", "./releases//20260101/", "20260101"},
                          Case{"releases/20260101", host.path("releases/20260101"), "20260101"},
                          Case{"releases/1.0~2", "releases/1.0~2", "1.0"}, Case{"site-a", "site-a", nullptr},
                          Case{outside.c_str(), outside, nullptr}}) {
      CAPTURE(c.link);
      base::remove_tree(host.settings.host_root);
      host.by_hand(c.tree, c.link);
      host.settings.host_activate = host.program("activate", "");
      host.settings.host_health = host.program("health", "[ -e app ] && grep -q hand app");
      Deployer& first = host.begin("task-1");
      first.preflight(host.pulse);
      const Before before = first.before(host.pulse);
      CHECK(before.state == Before::State::running);
      CHECK(before.version.value_or("none") == (c.version == nullptr ? "none" : c.version));
      const Release release = host.release("2.0");
      first.apply(release, host.pulse);
      CHECK(step_error([&] { first.health(release, host.pulse); }).left() == Left::dirty);

      // Another process goes on, with what the database remembers.
      Deployer& second = host.begin("task-1");
      const Before remembered = before_from_json(to_json(before));
      CHECK_FALSE(second.needs_tree_to_put_back(remembered, host.pulse));
      second.put_back(remembered, {}, host.pulse);
      second.tidy({}, host.pulse);
      CHECK(host.link() == c.link);
      CHECK(host.current() == "by hand");
      CHECK_FALSE(base::exists(release.tree));
      CHECK(host.log().find("\nactivate " + before.version.value_or(c.tree == outside ? "elsewhere" : "site-a")) !=
            std::string::npos);
    }
  }

  TEST_CASE("nothing ran before: only a link to a tree of the task is removed") {
    Host host;
    Deployer& deployer = host.begin("task-1");
    const Before before = deployer.before(host.pulse);
    CHECK(before.state == Before::State::nothing);
    deployer.apply(host.release("1.0"), host.pulse);
    deployer.put_back(before, {}, host.pulse);
    CHECK(host.link().empty());
    CHECK(deployer.put_back(before, {}, host.pulse).summary.find("nothing ran before") == 0);  // again

    host.by_hand("releases/mine", "releases/mine");
    const auto by_hand = step_error([&] { deployer.put_back(before, {}, host.pulse); });
    CHECK(by_hand.left() == Left::not_put_back);
    CHECK(std::string(by_hand.what()).find("does not lead to a tree of this task") != std::string::npos);
    CHECK(host.current() == "by hand");
    host.deployed("2.0", "task-2");
    CHECK(step_error([&] { host.begin("task-1").put_back(before, {}, host.pulse); }).left() == Left::not_put_back);
    CHECK(host.current() == "2.0");
  }

  TEST_CASE("what is put back is activated and has to be well, or it is not put back") {
    Host host;
    host.deployed("1.0");
    host.settings.host_health = host.program("health", "exit 1");
    Deployer& deployer = host.begin();
    const Before before = deployer.before(host.pulse);
    deployer.apply(host.release("2.0"), host.pulse);
    const auto unwell = step_error([&] { deployer.put_back(before, {}, host.pulse); });
    CHECK(unwell.left() == Left::not_put_back);
    CHECK(std::string(unwell.what()).find("the health command of 1.0 did not succeed within ") == 0);
    CHECK(host.link() == "releases/1.0");
    host.settings.host_health = "";
    host.settings.host_activate = host.program("activate", "exit 3");
    CHECK(step_error([&] { host.begin().put_back(before, {}, host.pulse); }).left() == Left::not_put_back);
  }

  TEST_CASE("a tree that is gone is put back from what is stored, else the link stays") {
    Host host;
    const Release first = host.deployed("1.0");
    const Before before = host.begin().before(host.pulse);
    host.deployer().apply(host.release("2.0"), host.pulse);
    base::remove_tree(first.tree);
    CHECK(host.deployer().needs_tree_to_put_back(before, host.pulse));
    const auto gone = step_error([&] { host.deployer().put_back(before, {}, host.pulse); });
    CHECK(gone.left() == Left::not_put_back);
    CHECK(std::string(gone.what()) == "what " + host.link_path() + " pointed to is gone: releases/1.0");
    CHECK(host.current() == "2.0");
    host.deployer().put_back(before, host.release("1.0"), host.pulse);
    CHECK(host.current() == "1.0");
  }

  TEST_CASE("a link that leads nowhere is restored as it was, and no tree is unpacked under it") {
    Host host;
    host.by_hand("releases/1.0", "releases/1.0");
    base::remove_tree(host.path("releases/1.0"));
    Deployer& deployer = host.begin();
    deployer.preflight(host.pulse);
    const Before before = deployer.before(host.pulse);
    CHECK(before.state == Before::State::running);
    CHECK(before.version == "1.0");
    CHECK(deployer.home("1.0") == host.path("releases/1.0~2"));
    deployer.apply(host.release("2.0"), host.pulse);
    CHECK(deployer.put_back(before, {}, host.pulse).summary.find("which does not exist, as before") !=
          std::string::npos);
    CHECK(host.link() == "releases/1.0");
  }

  TEST_CASE("a folder in place of the link is refused before anything is touched") {
    Host host;
    write(host.path("current/app"), "by hand");
    const auto error = error_of([&] { host.begin().preflight(host.pulse); });
    CHECK(error.kind() == base::Kind::configuration);
    CHECK(std::string(error.what()) == host.link_path() + " is not a link");
    CHECK(error.hint().find("move what it is into") == 0);
    CHECK(host.begin().before(host.pulse).state == Before::State::unknown);
    CHECK(host.begin().observe(host.pulse).state == State::broken);
    CHECK(entries(host.settings.host_root) == Names{"current"});
  }

  TEST_CASE("a folder in the way of the new link is told, and stays") {
    Host host;
    host.deployed("1.0");
    const Before before = host.begin().before(host.pulse);
    host.deployer().apply(host.release("2.0"), host.pulse);
    write(host.path("current.new/notes"), "somebody's");
    host.deployer().recover(host.deployer().observe(host.pulse), host.pulse);
    CHECK(step_error([&] { host.deployer().put_back(before, {}, host.pulse); }).left() == Left::not_put_back);
    CHECK(base::exists(host.path("current.new/notes")));
    CHECK(host.current() == "2.0");
  }
}
