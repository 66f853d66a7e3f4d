// SPDX-License-Identifier: Apache-2.0
#include "core/agent/app_databases.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

namespace wrktalk::agent {

TEST_SUITE("agent::app_databases") {
  TEST_CASE("backups lie where a setting says, for a host else in its root") {
    Settings settings;
    settings.deploy.host_root = "/srv/shop";
    settings.deployment_type = base::TargetKind::host;
    CHECK(settings.backups() == "/srv/shop/wrktalk-backups");
    for (const auto kind : {base::TargetKind::docker, base::TargetKind::kubernetes}) {
      settings.deployment_type = kind;
      CHECK_THROWS_WITH_AS(NamedDatabases(settings).need_folder(),
                           "the release wants a backup, and no setting says where it is to lie", base::Error);
    }
    settings.release_backup_dir = "/backups";
    CHECK_NOTHROW(NamedDatabases(settings).need_folder());
    CHECK(settings.backups() == "/backups");
  }
}

}  // namespace wrktalk::agent
