// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/contents.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;

namespace {

std::string chart_type(std::initializer_list<const char*> files, const std::optional<std::string>& wanted = {}) {
  artifact::Contents contents;
  for (const char* path : files) {
    artifact::Entry entry;
    entry.path = path;
    contents.entry(entry);
  }
  try {
    return contents.chart_type(wanted);
  } catch (const base::Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_SUITE("artifact::Contents") {
  TEST_CASE("charts and compose bundles are recognised at the root or in the one top-level folder") {
    CHECK(chart_type({"app/Chart.yaml", "app/charts/db/Chart.yaml"}) == "helm");
    CHECK(chart_type({"Chart.yaml", "templates/x.yaml"}) == "helm");
    CHECK(chart_type({"bundle/docker-compose.yml", "bundle/conf/nginx.conf"}) == "compose");
    for (const char* name : {"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}) {
      CHECK(chart_type({"conf/x", name}) == "compose");
    }
  }

  TEST_CASE("anything else tells what was found") {
    CHECK(chart_type({"app/index.js", "app/package.json"}) ==
          "neither a Helm chart nor a compose bundle: found 2 entries, the first is app/index.js");
    CHECK(chart_type({"a/Chart.yaml", "b/x"}).find("neither") == 0);
    CHECK(chart_type({"a/b/compose.yaml"}).find("neither") == 0);
    CHECK(chart_type({"app/Chart.yaml", "app/compose.yaml"}).find("both") == 0);
  }

  TEST_CASE("the manifest is found where the release's root is") {
    const auto manifest = [](std::initializer_list<const char*> files) {
      artifact::Contents contents;
      for (const char* path : files) {
        artifact::Entry entry;
        entry.path = path;
        contents.entry(entry);
      }
      return contents.manifest_file();
    };
    CHECK(manifest({"wrktalk.toml", "bin/x"}) == "wrktalk.toml");
    CHECK(manifest({"app/wrktalk.toml", "app/bin/x"}) == "app/wrktalk.toml");
    CHECK(manifest({"compose.yml", "conf/wrktalk.toml"}).empty());
    CHECK(manifest({"a/wrktalk.toml", "b/x"}).empty());
    CHECK(manifest({"app/sub/wrktalk.toml"}).empty());
    CHECK(manifest({"app/x"}).empty());
    artifact::Contents contents;
    artifact::Entry entry;
    entry.path = "app/wrktalk.toml";
    entry.type = artifact::Entry::Type::link;
    contents.entry(entry);
    CHECK_THROWS_WITH(contents.manifest_file(), "app/wrktalk.toml is no file");
  }

  TEST_CASE("only host releases may hold links") {
    artifact::Contents contents;
    artifact::Entry entry;
    entry.path = "compose.yaml";
    contents.entry(entry);
    entry.path = "link";
    entry.type = artifact::Entry::Type::link;
    contents.entry(entry);
    CHECK_THROWS_WITH(contents.chart_type({}), "a compose release may not hold symbolic links: link");
    CHECK_THROWS_AS(contents.chart_type("compose"), base::Error);
    CHECK(contents.chart_type("host") == "host");
  }

  TEST_CASE("a type that is asked for is checked, and host takes any tree") {
    CHECK(chart_type({"index.js"}, "host") == "host");
    CHECK(chart_type({"app/Chart.yaml", "app/compose.yaml"}, "compose") == "compose");
    CHECK(chart_type({"index.js"}, "helm").find("no Chart.yaml") == 0);
    CHECK(chart_type({"Chart.yaml"}, "compose").find("no compose file") == 0);
    CHECK(chart_type({"x"}, "docker") == "unknown release type docker");
  }
}
