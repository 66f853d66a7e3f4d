// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/tree_list.hpp"

#include "tests/core/deploy/host_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;

namespace {

/// A tree, its list, and the same tree as it is stored.
struct Listed {
  Listed() {
    for (const auto* name : {"/tree", "/stored"}) {
      write(dir.path() + name + "/app", "app");
      write(dir.path() + name + "/bin/run", "run", 0755);
      write(dir.path() + name + "/conf/a\nb.ini", "word");
      base::make_directories(dir.path() + name + "/logs", 0750);
      REQUIRE(::symlink("conf/x", (dir.path() + name + "/link").c_str()) == 0);
    }
    write_tree_list(tree, list, pulse);
  }
  Names changed() {
    auto paths = changed_in_tree(tree, list, pulse).value();
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  void restore() { restore_in_tree(tree, changed_in_tree(tree, list, pulse).value(), stored, aside); }

  base::TempDir dir{"/tmp", "list-test-"};
  std::string tree = dir.path() + "/tree";
  std::string stored = dir.path() + "/stored";
  std::string list = dir.path() + "/list";
  std::string aside = dir.path() + "/aside";
  base::NoPulse pulse;
};

}  // namespace

TEST_SUITE("deploy::tree_list") {
  TEST_CASE("each kind of change is seen, and what the list does not name is not") {
    struct Case {
      const char* what;
      std::function<void(const Listed&)> change;
      Names changed;
    };
    const std::vector<Case> cases = {
        {"nothing", [](const Listed&) {}, {}},
        {"data was added",
         [](const Listed& t) {
           write(t.tree + "/logs/1", "x");
           write(t.tree + "/more/2", "x");
         },
         {}},
        {"other bytes of the same length", [](const Listed& t) { write(t.tree + "/app", "bpp"); }, {"app"}},
        {"a file is gone", [](const Listed& t) { base::remove_tree(t.tree + "/app"); }, {"app"}},
        {"it may not be run any more",
         [](const Listed& t) { ::chmod((t.tree + "/bin/run").c_str(), 0644); },
         {"bin/run"}},
        {"it cannot be read as a file",
         [](const Listed& t) {
           base::remove_tree(t.tree + "/app");
           ::mkfifo((t.tree + "/app").c_str(), 0600);
         },
         {"app"}},
        {"a link leads elsewhere",
         [](const Listed& t) {
           ::unlink((t.tree + "/link").c_str());
           REQUIRE(::symlink("conf/y", (t.tree + "/link").c_str()) == 0);
         },
         {"link"}},
        {"a link became a file",
         [](const Listed& t) {
           ::unlink((t.tree + "/link").c_str());
           write(t.tree + "/link", "conf/x");
         },
         {"link"}},
        {"a folder is gone", [](const Listed& t) { base::remove_tree(t.tree + "/conf"); }, {"conf", "conf/a\nb.ini"}},
        {"a folder became a link to the same",
         [](const Listed& t) {
           std::filesystem::rename(t.tree + "/conf", t.tree + "/other");
           REQUIRE(::symlink("other", (t.tree + "/conf").c_str()) == 0);
         },
         {"conf", "conf/a\nb.ini"}},
        {"an empty folder is gone", [](const Listed& t) { base::remove_tree(t.tree + "/logs"); }, {"logs"}},
    };
    for (const auto& c : cases) {
      CAPTURE(c.what);
      Listed listed;
      c.change(listed);
      CHECK(listed.changed() == c.changed);
      listed.restore();
      CHECK(listed.changed() == Names{});
      CHECK(base::read_file(listed.tree + "/app", 100) == "app");
    }
  }

  TEST_CASE("without a list nothing can be told") {
    Listed listed;
    CHECK_FALSE(changed_in_tree(listed.tree, listed.list + "2", listed.pulse));
  }

  TEST_CASE("what is replaced lies aside, and what came later stays") {
    Listed listed;
    write(listed.tree + "/app", "mine");
    write(listed.tree + "/logs/1", "log");
    listed.restore();
    CHECK(base::read_file(listed.aside + "/app", 100) == "mine");
    CHECK(base::read_file(listed.tree + "/logs/1", 100) == "log");
    CHECK(entries(listed.aside) == Names{"app"});
  }

  TEST_CASE("nothing is written through a link that somebody put in the place of a folder") {
    Listed listed;
    const std::string elsewhere = listed.dir.path() + "/elsewhere";
    write(elsewhere + "/a\nb.ini", "theirs");
    base::remove_tree(listed.tree + "/conf");
    REQUIRE(::symlink(elsewhere.c_str(), (listed.tree + "/conf").c_str()) == 0);
    listed.restore();
    CHECK(listed.changed() == Names{});
    CHECK(base::read_file(elsewhere + "/a\nb.ini", 100) == "theirs");
    CHECK(base::read_file(listed.tree + "/conf/a\nb.ini", 100) == "word");
  }

  TEST_CASE("ended in the middle, it goes on") {
    Listed listed;
    write(listed.tree + "/app", "mine");
    write(listed.tree + "/bin/run", "mine", 0755);
    // As it lies after the first file was moved aside.
    base::make_directories(listed.aside, 0700);
    std::filesystem::rename(listed.tree + "/app", listed.aside + "/app");
    listed.restore();
    CHECK(listed.changed() == Names{});
    CHECK(base::read_file(listed.aside + "/app", 100) == "mine");
  }
}
