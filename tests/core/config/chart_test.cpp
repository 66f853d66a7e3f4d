// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/config/settings.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace wrktalk;

TEST_SUITE("config::definitions") {
  TEST_CASE("the chart refuses every setting that is secret, by each of its variables") {
    std::set<std::string> secret;
    for (const auto& item : config::definitions()) {
      if (!item.is_secret()) continue;
      secret.insert(item.variable);
      for (const auto& name : base::split(item.pg_variables, ' ')) {
        if (!name.empty()) secret.insert(name);
      }
    }
    std::set<std::string> listed;
    const std::string path = test::source_dir() + "/k8s/chart/wrktalk/files/secret-settings";
    for (const auto& name : base::split(base::read_file(path, 65536), '\n')) {
      if (!name.empty()) listed.insert(name);
    }
    for (const auto& name : secret) CHECK_MESSAGE(listed.count(name) == 1, name, " is missing in " + path);
    for (const auto& name : listed) CHECK_MESSAGE(secret.count(name) == 1, name, " is no secret, yet in " + path);
  }
}
