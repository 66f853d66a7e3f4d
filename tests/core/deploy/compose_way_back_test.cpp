// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_way_back.hpp"

#include "core/base/files.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy::compose;

namespace {

using Texts = std::vector<std::string>;

Container made(const char* service, const char* at, const char* files, const char* folder = "/srv/site") {
  Container container;
  container.service = service;
  container.created_at = at;
  container.config_files = files;
  container.working_dir = folder;
  container.image = std::string("sha256:") + service;
  return container;
}

}  // namespace

TEST_SUITE("deploy::compose way back") {
  TEST_CASE("the container that was made last says what the project was brought up from") {
    const Containers all = {made("web", "2026-01-01T10:00:00.5Z", "/srv/v2/a.yml,/srv/v2/b.yml", "/srv/v2"),
                            made("db", "2026-01-01T10:00:00.45Z", "/srv/v1/a.yml", "/srv/v1"),
                            made("job", "2026-01-01T10:00:00Z", "/srv/v1/a.yml", "/srv/v1")};
    const WayBack way = way_back(all, "/ours");
    CHECK(way.working_dir == "/srv/v2");
    CHECK(way.files == Texts{"/srv/v2/a.yml", "/srv/v2/b.yml"});
    CHECK(way.images.at("db") == "sha256:db");
    CHECK_FALSE(are_of_one_source(all));
    CHECK(are_of_one_source({all[1], all[2]}));
    CHECK(way_back({}, "/ours").files.empty());
  }

  TEST_CASE("names that docker-compose 1.29 wrote as they were given begin in the working folder") {
    Container container = made("web", "t", "compose.yml,/etc/more.yml");
    container.environment_files = "my.env";
    const WayBack way = way_back({container}, "/ours");
    CHECK(way.files == Texts{"/srv/site/compose.yml", "/etc/more.yml"});
    CHECK(way.environment_files == Texts{"/srv/site/my.env"});
    CHECK(way_back({made("web", "t", "-")}, "/ours").files == Texts{"-"});
  }

  TEST_CASE("it is read back as it was written, and what cannot be read is empty") {
    Container container = made("web", "t", "/srv/site/a.yml,/srv/site/b.yml");
    container.environment_files = "/srv/site/one.env,/srv/site/two.env";
    const WayBack way = way_back({container}, "/ours");
    const WayBack read = way_back_from_json(to_json(way));
    CHECK(read.working_dir == way.working_dir);
    CHECK(read.files == way.files);
    CHECK(read.environment_files == way.environment_files);
    CHECK(read.images == way.images);
    CHECK(read.counts == std::map<std::string, long>{{"web", 1}});
    CHECK_FALSE(read.identity);
    container.identity = Identity{"2.0", "task-1"};
    CHECK(way_back_from_json(to_json(way_back({container}, "/ours"))).identity == Identity{"2.0", "task-1"});
    // As an older wrktalk wrote it.
    CHECK(way_back_from_json(R"({"working_dir":"/a","files":["/a/b"],"environment_files":[],"images":{}})").files ==
          Texts{"/a/b"});
    for (const char* text : {"", "{}", "[]", R"({"working_dir":"/a","files":"x"})", R"({"files":[1]})"}) {
      CAPTURE(text);
      CHECK(way_back_from_json(text).files.empty());
    }
  }

  TEST_CASE("our override files are no part of what it was brought up from") {
    const auto container = made("web", "t", "/w/releases/1/c.yml,/w/.wrktalk/overrides/1.yml", "/w/releases/1");
    CHECK(way_back({container}, "/w/.wrktalk/overrides").files == Texts{"/w/releases/1/c.yml"});
  }

  TEST_CASE("a variable that nobody set is found in what each compose says") {
    CHECK(unset_variable(
              R"(time="t" level=warning msg="The \"WORD\" variable is not set. Defaulting to a blank string.")") ==
          "WORD");
    CHECK(unset_variable("WARNING: The WORD variable is not set. Defaulting to a blank string.\n") == "WORD");
    CHECK(unset_variable("the attribute `version` is obsolete").empty());
  }

  TEST_CASE("a file that is not here is named") {
    const base::TempDir dir("/tmp", "way-back-test-");
    base::write_file(dir.path() + "/a.yml", "", 0644);
    WayBack way;
    way.files = {dir.path() + "/a.yml"};
    way.environment_files = {dir.path() + "/gone.env"};
    CHECK_FALSE(missing_file(way, false));
    CHECK(missing_file(way, true) == dir.path() + "/gone.env");
    way.files.emplace_back("-");
    CHECK(missing_file(way, false) == "-");
  }

  TEST_CASE("services that run another image than before are named once") {
    const Containers before = {made("web", "t", "/a"), made("db", "t", "/a")};
    Containers now = {before[0], before[0], before[1], made("new", "t", "/a")};
    CHECK(other_images(way_back(before, "/ours"), now).empty());
    now[0].image = now[1].image = "sha256:other";
    CHECK(other_images(way_back(before, "/ours"), now) == Texts{"web"});
  }
}
