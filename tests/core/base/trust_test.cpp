// SPDX-License-Identifier: Apache-2.0
#include "core/base/trust.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/support/have.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace wrktalk::base;

namespace {

constexpr uid_t kStranger = 12'345;

struct Place {
  TempDir folder{"/tmp", "trust-test-"};
  std::string file = path("etc/wrktalk.toml");

  Place() {
    make_directories(path("etc"), 0755);
    write_file(file, "", 0644);
  }
  std::string path(const std::string& name) const { return folder.path() + "/" + name; }
  std::string why(const std::string& at) const {
    const auto found = distrust(at);
    return found ? found->why.substr(found->why.find(folder.path()) + folder.path().size() + 1) : "";
  }
};

bool have_root() { return wrktalk::test::have("root", ::geteuid() == 0, "only root gives files away"); }

}  // namespace

TEST_SUITE("base::distrust") {
  TEST_CASE("what is ours alone is trusted, and what does not exist yet as far as there is a way") {
    const Place place;
    CHECK(place.why(place.file).empty());
    CHECK(place.why(place.path("etc/missing/deep")).empty());
    CHECK_FALSE(distrust("/"));
    CHECK_FALSE(distrust("/etc/passwd"));
    CHECK_NOTHROW(require_trusted(place.file, "the config file"));
  }

  TEST_CASE("a file or a folder on its way that everybody may write to is not, and the remedy is named") {
    const Place place;
    ::chmod(place.file.c_str(), 0646);
    CHECK(place.why(place.file) == "etc/wrktalk.toml is writable by everybody");
    CHECK(distrust(place.file)->remedy == "run chmod o-w " + place.file);
    CHECK_THROWS_WITH_AS(require_trusted(place.file, "the config file"),
                         ("the config file is not safe to use: " + place.file + " is writable by everybody").c_str(),
                         Error);
    ::chmod(place.file.c_str(), 0644);
    ::chmod(place.path("etc").c_str(), 0757);
    CHECK(place.why(place.file) == "etc is writable by everybody");
    CHECK(place.why(place.path("etc/missing")) == "etc is writable by everybody");
  }

  TEST_CASE("a group counts when somebody else is in it, or nobody knows") {
    const Place place;
    ::chmod(place.file.c_str(), 0664);
    CHECK(place.why(place.file).empty());  // a group of our own, as umask 002 supposes
    if (!have_root()) return;
    REQUIRE(::chown(place.file.c_str(), 0, kStranger) == 0);
    CHECK(place.why(place.file) == "etc/wrktalk.toml is writable by its group 12345");
    const gid_t of_daemon = 1;  // a user's own group in every Linux
    REQUIRE(::chown(place.file.c_str(), 0, of_daemon) == 0);
    CHECK(place.why(place.file) == "etc/wrktalk.toml is writable by its group daemon");
  }

  TEST_CASE("somebody else's file, folder or link is not trusted") {
    const Place place;
    if (!have_root()) return;
    REQUIRE(::chown(place.file.c_str(), kStranger, 0) == 0);
    CHECK(place.why(place.file) == "etc/wrktalk.toml belongs to the user 12345");
    REQUIRE(::chown(place.file.c_str(), 0, 0) == 0);
    REQUIRE(::chown(place.path("etc").c_str(), kStranger, 0) == 0);
    CHECK(place.why(place.file) == "etc belongs to the user 12345");
  }

  TEST_CASE("links are followed, to each place that they lead through") {
    const Place place;
    make_directories(place.path("etc/alternatives"), 0755);
    REQUIRE(::symlink("alternatives/toml", place.path("etc/link").c_str()) == 0);
    REQUIRE(::symlink("../wrktalk.toml", place.path("etc/alternatives/toml").c_str()) == 0);
    CHECK(place.why(place.path("etc/link")).empty());
    ::chmod(place.path("etc/alternatives").c_str(), 0777);
    CHECK(place.why(place.path("etc/link")) == "etc/alternatives is writable by everybody");
    REQUIRE(::symlink("round", place.path("etc/round").c_str()) == 0);
    CHECK(place.why(place.path("etc/round")).empty());
  }

  TEST_CASE("in a sticky folder a file is its owner's, and a link is not followed") {
    const Place place;
    ::chmod(place.path("etc").c_str(), 01777);
    CHECK(place.why(place.file).empty());
    REQUIRE(::symlink("wrktalk.toml", place.path("etc/link").c_str()) == 0);
    CHECK(place.why(place.path("etc/link")) == "etc/link is a link in a folder where everybody may make one");
    if (!have_root()) return;
    REQUIRE(::chown(place.file.c_str(), kStranger, 0) == 0);
    CHECK(place.why(place.file) == "etc/wrktalk.toml belongs to the user 12345");
  }
}

TEST_SUITE("base::is_read_by_others") {
  TEST_CASE("everybody may read, or a group with others in it, but for root's files") {
    const Place place;
    ::chmod(place.file.c_str(), 0604);
    CHECK(is_read_by_others(place.file));
    ::chmod(place.file.c_str(), 0640);
    CHECK_FALSE(is_read_by_others(place.file));
    ::chmod(place.file.c_str(), 0600);
    CHECK_FALSE(is_read_by_others(place.file));
    CHECK_FALSE(is_read_by_others(place.path("missing")));
    if (!have_root()) return;
    REQUIRE(::chown(place.file.c_str(), kStranger, kStranger) == 0);
    ::chmod(place.file.c_str(), 0640);
    CHECK(is_read_by_others(place.file));
  }
}

TEST_SUITE("base::open_own_folder") {
  TEST_CASE("a folder is made, opened again, and refused when it is a link or others may write to it") {
    const Place place;
    const auto open = [&] { return open_own_folder(AT_FDCWD, place.path("own"), place.path("own"), 0700); };
    CHECK(open());
    CHECK(open());
    ::chmod(place.path("own").c_str(), 0770);
    CHECK_THROWS_WITH_AS(open(), (place.path("own") + " is not a folder that only we can write to").c_str(), Error);
    remove_tree(place.path("own"));
    REQUIRE(::symlink("etc", place.path("own").c_str()) == 0);
    CHECK_THROWS_AS(open(), Error);
    ::unlink(place.path("own").c_str());
    if (!have_root()) return;
    make_directories(place.path("own"), 0755);
    REQUIRE(::chown(place.path("own").c_str(), kStranger, 0) == 0);
    CHECK_THROWS_AS(open(), Error);
  }
}
