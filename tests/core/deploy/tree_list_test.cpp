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

  TEST_CASE("what the list does not name is data: the topmost entries of it") {
    const Listed t;
    CHECK(data_in_tree(t.tree, t.list, const_cast<base::NoPulse&>(t.pulse)) == Names{});
    write(t.tree + "/data/db/1", "x");
    write(t.tree + "/conf/state", "x");
    REQUIRE(::symlink("/gone", (t.tree + "/.env").c_str()) == 0);
    base::NoPulse pulse;
    CHECK(data_in_tree(t.tree, t.list, pulse) == Names{"conf/state", "data"});
    CHECK_FALSE(data_in_tree(t.tree, t.list + "-gone", pulse));
  }

  TEST_CASE(
      "data goes to the same place in another tree, is merged with what lies there, and never replaces what that tree "
      "brings") {
    Listed t;
    const std::string to = t.dir.path() + "/next";
    write(to + "/conf/state", "of the release");
    write(to + "/data/db/2", "moved before");
    write(t.tree + "/data/db/1", "one");
    write(t.tree + "/conf/state", "data");
    write(t.tree + "/logs/today", "line");
    const auto data = data_in_tree(t.tree, t.list, t.pulse).value();
    CHECK(move_data(t.tree, data, to, t.aside, t.pulse) == Names{"conf/state"});
    CHECK(base::read_file(to + "/data/db/1", 100) == "one");
    CHECK(base::read_file(to + "/data/db/2", 100) == "moved before");
    CHECK(base::read_file(to + "/logs/today", 100) == "line");
    CHECK(base::read_file(to + "/conf/state", 100) == "of the release");
    CHECK(base::read_file(t.aside + "/conf/state", 100) == "data");
    struct stat info {};
    REQUIRE(::stat((to + "/logs").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0750);  // as the folder that it came from
    CHECK(data_in_tree(t.tree, t.list, t.pulse) == Names{});
    CHECK(t.changed() == Names{});
  }

  TEST_CASE("a link that was left in place of data goes when the data's own tree is the goal") {
    Listed t;
    const std::string next = t.dir.path() + "/next";
    write(t.tree + "/data/word", "x");
    base::make_directories(next, 0755);
    REQUIRE(::symlink((t.tree + "/data").c_str(), (next + "/data").c_str()) == 0);
    CHECK(move_data(next, {"data"}, t.tree, t.aside, t.pulse).empty());
    CHECK(base::read_file(t.tree + "/data/word", 100) == "x");
    CHECK_FALSE(base::exists(next + "/data"));
  }
}
