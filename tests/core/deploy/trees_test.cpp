// SPDX-License-Identifier: Apache-2.0
#include "tests/core/deploy/host_fixture.hpp"
#include "tests/support/have.hpp"

#include <sys/stat.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

TEST_SUITE("deploy::Trees names") {
  TEST_CASE("a version's tree has its name, or a number where that is in use or not ours") {
    Host host;
    write(host.path("releases/3.0/app"), "by hand");
    host.deployed("1.0");
    Deployer& deployer = host.begin();
    CHECK(deployer.home("1.0") == host.path("releases/1.0~2"));
    CHECK(deployer.home("2.0") == host.path("releases/2.0"));
    CHECK(deployer.home("3.0") == host.path("releases/3.0~2"));
    CHECK(base::read_file(host.path(".wrktalk/trees/3.0~2"), 100) == "task task\n");
  }

  TEST_CASE("the version that runs is deployed beside itself, and what a dead holder left there is not touched") {
    Host host;
    host.deployed("1.0");
    const Before before = host.begin("task-2").before(host.pulse);
    host.deployer().apply(host.release("1.0"), host.pulse);
    CHECK(host.link() == "releases/1.0~2");
    CHECK(host.deployer().observe(host.pulse).version == "1.0");
    Deployer& next_holder = host.begin("task-2");
    CHECK(next_holder.home("1.0") == host.path("releases/1.0~3"));
    next_holder.put_back(before, {}, host.pulse);
    CHECK(host.link() == "releases/1.0");
    next_holder.tidy({"1.0"}, host.pulse);
    CHECK(host.trees() == Names{"1.0"});
    CHECK(host.current() == "1.0");
  }

  TEST_CASE("a tree of ours that does not run is used again") {
    Host host;
    host.deployed("1.0");
    host.deployed("2.0");
    CHECK(host.begin().home("1.0") == host.path("releases/1.0"));
    // Whatever way the link is spelled.
    host.by_hand("releases/1.0", host.path("releases/../releases/1.0/"));
    CHECK(host.begin().home("1.0") == host.path("releases/1.0~2"));
    REQUIRE(::symlink("releases", host.path("alias").c_str()) == 0);
    host.by_hand("releases/1.0", "alias/1.0");
    CHECK(host.begin().home("1.0") == host.path("releases/1.0~2"));
  }

  TEST_CASE("what only looks like a tree is not used") {
    Host host;
    host.begin().preflight(host.pulse);
    REQUIRE(::symlink("/tmp", host.path("releases/1.0").c_str()) == 0);
    CHECK(host.deployer().home("1.0") == host.path("releases/1.0~2"));
  }
}

TEST_SUITE("deploy::Trees tidy") {
  TEST_CASE("only recorded trees go that are not kept and do not run") {
    Host host;
    for (const char* version : {"1.0", "2.0", "3.0"}) host.deployed(version);
    write(host.path("releases/0.9/app"), "by hand");
    write(host.path("releases/notes"), "by hand");
    host.begin("task-4").tidy({"2.0"}, host.pulse);
    CHECK(host.trees() == Names{"0.9", "2.0", "3.0", "notes"});
    CHECK(entries(host.path(".wrktalk/trees")) == Names{"2.0", "3.0"});
    CHECK(host.current() == "3.0");
  }

  TEST_CASE("what a refused task unpacked goes, and what runs stays though no database knows it") {
    Host host;
    host.by_hand("releases/20260101", "releases/20260101");
    host.begin().preflight(host.pulse);
    host.release("2.0");
    host.deployer().tidy({}, host.pulse);
    CHECK(host.trees() == Names{"20260101"});
    host.deployed("3.0");
    host.begin().tidy({}, host.pulse);  // recorded, not kept, but behind the link
    CHECK(host.current() == "3.0");
  }

  TEST_CASE("of a kept version one tree stays: the one that runs, else the newest that the task did not make") {
    Host host;
    for (const char* task : {"task-1", "task-2", "task-3"}) host.deployed("1.0", task);
    CHECK(host.link() == "releases/1.0~3");
    host.deployed("2.0", "task-4");
    host.begin("task-4").tidy({"1.0", "2.0"}, host.pulse);
    CHECK(host.trees() == Names{"1.0~3", "2.0"});
    host.deployed("2.0", "task-5");
    host.begin("task-5").tidy({"1.0", "2.0"}, host.pulse);
    CHECK(host.trees() == Names{"1.0~3", "2.0~2"});
  }

  TEST_CASE("a large removal is ended by the pulse, and goes on the next time") {
    Host host;
    host.deployed("1.0");
    for (int i = 0; i < 40'000; ++i) {
      const std::string file = host.path("releases/1.0/f") + std::to_string(i);
      REQUIRE(::mknod(file.c_str(), S_IFREG | 0644, 0) == 0);
    }
    host.deployed("2.0");
    Impatient impatient;
    host.begin().tidy({"2.0"}, impatient);
    CHECK(impatient.ticks == 1);
    CHECK(host.trees() == Names{".1.0.removed", "2.0"});
    host.begin().tidy({"2.0"}, host.pulse);
    CHECK(host.trees() == Names{"2.0"});
    CHECK(entries(host.path(".wrktalk/trees")) == Names{"2.0"});
  }

  TEST_CASE("a removal follows no link, and takes folders that nobody may write to") {
    Host host;
    const Release release = host.deployed("1.0");
    write(host.dir.path() + "/outside/file", "stays");
    REQUIRE(::symlink((host.dir.path() + "/outside").c_str(), (release.tree + "/way-out").c_str()) == 0);
    write(release.tree + "/closed/file", "");
    ::chmod((release.tree + "/closed").c_str(), 0500);
    host.deployed("2.0");
    host.begin().tidy({}, host.pulse);
    CHECK(host.trees() == Names{"2.0"});
    CHECK(base::exists(host.dir.path() + "/outside/file"));
  }
}

TEST_SUITE("deploy::Trees owner") {
  TEST_CASE("a second process on one ROOT is told who works there, and changes nothing") {
    Host host;
    host.deployed("1.0");
    host.begin("task-1").preflight(host.pulse);
    const auto other = host.another({"task-2"});
    const auto busy = error_of([&] { other->preflight(host.pulse); });
    CHECK(busy.kind() == base::Kind::busy);
    const std::string what = busy.what();
    CHECK(what.find(host.settings.host_root + " is in use by process " + std::to_string(::getpid()) + " on ") == 0);
    CHECK(what.find(", task task-1 attempt 1 of host:node") != std::string::npos);
    other->tidy({}, host.pulse);
    CHECK(error_of([&] { other->home("2.0"); }).kind() == base::Kind::busy);
    CHECK(step_error([&] { other->put_back(nothing_before(), {}, host.pulse); }).left() == Left::not_put_back);
    CHECK(host.current() == "1.0");
    CHECK(other->observe(host.pulse).version == "1.0");  // to look needs no lock
    host.end();
    CHECK_NOTHROW(other->preflight(host.pulse));
  }

  TEST_CASE("a holder whose lock was taken by the next holder of its task changes nothing any more") {
    Host host;
    host.deployed("1.0");
    Deployer& late = host.begin("task-1");
    late.preflight(host.pulse);
    const auto next = host.another({"task-1", 2});
    CHECK_NOTHROW(next->preflight(host.pulse));
    const std::string tree = next->home("2.0");
    write(tree + "/app", "2.0");
    late.tidy({}, host.pulse);
    CHECK(base::exists(tree + "/app"));
    CHECK(error_of([&] { late.home("3.0"); }).kind() == base::Kind::lease_lost);
    // Nor does it take the lock back, as it would that of an earlier holder.
    CHECK(error_of([&] { host.another({"task-1", 1})->preflight(host.pulse); }).kind() == base::Kind::lease_lost);
    CHECK_NOTHROW(next->home("2.0"));
    CHECK(host.current() == "1.0");
  }

  TEST_CASE("a ROOT belongs to one target") {
    Host host;
    host.begin("task", "host:first").preflight(host.pulse);
    const auto error = error_of([&] { host.begin("task", "host:second").preflight(host.pulse); });
    CHECK(error.kind() == base::Kind::configuration);
    CHECK(std::string(error.what()) ==
          host.settings.host_root + " belongs to the target host:first, not to host:second");
    CHECK(error.hint().find(host.path(".wrktalk/owner")) != std::string::npos);
    CHECK_NOTHROW(host.begin("task", "host:second/blue").preflight(host.pulse));  // has a ROOT of its own
    base::remove_tree(host.path(".wrktalk/owner"));
    CHECK_NOTHROW(host.begin("task", "host:second").preflight(host.pulse));
    CHECK(base::read_file(host.path(".wrktalk/owner"), 100) == "host:second\n");
  }

  TEST_CASE("to look writes nothing") {
    Host host;
    host.by_hand("releases/1.0", "releases/1.0");
    const Observed seen = host.begin().observe(host.pulse);
    CHECK(seen.state == State::running);
    CHECK(host.deployer().before(host.pulse).version == "1.0");
    CHECK(entries(host.settings.host_root) == Names{"current", "releases"});
  }

  TEST_CASE("a .wrktalk that others can write to, or a link in its place, is refused") {
    Host host;
    const std::string ours = host.path(".wrktalk");
    const auto refused = [&] { return error_of([&] { host.begin().preflight(host.pulse); }).kind(); };
    base::make_directories(ours, 0755);
    ::chmod(ours.c_str(), 0775);
    CHECK(refused() == base::Kind::configuration);
    ::chmod(ours.c_str(), 0755);
    base::make_directories(host.dir.path() + "/elsewhere", 0755);
    REQUIRE(::symlink((host.dir.path() + "/elsewhere").c_str(), (ours + "/trees").c_str()) == 0);
    CHECK(refused() == base::Kind::configuration);
    base::remove_tree(ours);
    REQUIRE(::symlink((host.dir.path() + "/elsewhere").c_str(), ours.c_str()) == 0);
    CHECK(refused() == base::Kind::configuration);
    ::unlink(ours.c_str());
    base::make_directories(ours, 0755);
    REQUIRE(::symlink((host.dir.path() + "/elsewhere/made").c_str(), (ours + "/lock").c_str()) == 0);
    CHECK(refused() == base::Kind::configuration);
    CHECK(entries(host.dir.path() + "/elsewhere").empty());
  }

  TEST_CASE("nor is one that belongs to another user") {
    if (!wrktalk::test::have("root", ::geteuid() == 0, "only root can give a folder away")) return;
    Host host;
    const std::string ours = host.path(".wrktalk");
    const auto refused = [&] { return error_of([&] { host.begin().home("1.0"); }).kind(); };
    base::make_directories(ours, 0755);
    REQUIRE(::chown(ours.c_str(), 12'345, 12'345) == 0);
    CHECK(refused() == base::Kind::configuration);
  }

  TEST_CASE("a link in the place of releases is refused, and nothing behind it goes") {
    Host host;
    host.deployed("1.0");
    host.deployed("2.0");
    write(host.dir.path() + "/victim/1.0/file", "stays");
    REQUIRE(::rename(host.path("releases").c_str(), host.path("moved").c_str()) == 0);
    REQUIRE(::symlink((host.dir.path() + "/victim").c_str(), host.path("releases").c_str()) == 0);
    const auto error = error_of([&] { host.begin().preflight(host.pulse); });
    CHECK(error.kind() == base::Kind::configuration);
    CHECK(std::string(error.what()).find(host.path("releases") + " is not a folder of our own") == 0);
    CHECK(step_error([&] {
            host.begin().apply({"2.0", host.path("moved/2.0"), {}, {}}, host.pulse);
          }).left() == Left::untouched);
    host.begin().tidy({}, host.pulse);
    CHECK(base::exists(host.dir.path() + "/victim/1.0/file"));
  }

  TEST_CASE("releases exchanged for a link while a task works is not followed either") {
    Host host;
    host.deployed("1.0");
    host.deployed("2.0");
    Deployer& deployer = host.begin();
    deployer.preflight(host.pulse);
    write(host.dir.path() + "/victim/1.0/file", "stays");
    REQUIRE(::rename(host.path("releases").c_str(), host.path("moved").c_str()) == 0);
    REQUIRE(::symlink((host.dir.path() + "/victim").c_str(), host.path("releases").c_str()) == 0);
    deployer.tidy({"2.0"}, host.pulse);
    CHECK(base::exists(host.dir.path() + "/victim/1.0/file"));
  }

  TEST_CASE("a ROOT that others may write to, or that is somebody else's, is refused before anything is made") {
    Host host;
    base::make_directories(host.settings.host_root, 0755);
    ::chmod(host.settings.host_root.c_str(), 0777);
    const auto error = error_of([&] { host.begin().preflight(host.pulse); });
    CHECK(std::string(error.what()).find(host.settings.host_root + " is writable by everybody") != std::string::npos);
    CHECK(error.hint() == "run chmod o-w " + host.settings.host_root);
    ::chmod(host.settings.host_root.c_str(), 0755);
    if (::geteuid() == 0) {
      REQUIRE(::chown(host.settings.host_root.c_str(), 12'345, 0) == 0);
      CHECK(error_of([&] { host.begin().preflight(host.pulse); }).kind() == base::Kind::configuration);
    }
    CHECK(entries(host.settings.host_root).empty());
  }
}
