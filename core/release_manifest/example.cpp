// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/manifest.hpp"

namespace wrktalk::release_manifest {
namespace {

constexpr const char* kHead =
    R"(# What this release says it needs. wrktalk reads it from the root of the archive, or from
# `wrktalk release add --manifest FILE`. Every section may be left out; docs/releases.md explains them.
# Check it: wrktalk release lint FILE|FOLDER|ARCHIVE
)";

constexpr const char* kRelease = R"(
[release]
# The oldest agent that may deploy it.
#min-agent = "0.1"
# What may be upgraded to it. Deploying over anything older is refused, and the way through the stored releases is named.
#upgrade-from = ">=1.4"
# Versions of schemas that it runs with, as --requires-schema of `release add`.
#requires-schema = ["checkpoint>=9"]
)";

constexpr const char* kData = R"(
[data]
# Paths in the release's tree that belong to the site: they survive every release.
#keep = ["data", "uploads", "config/local.yml"]
)";

constexpr const char* kSettings = R"(
[settings]
# Names that must have a value before anything is touched.
#required = ["DOMAIN", "DB_PASSWORD"]
)";

constexpr const char* kDatabases = R"(
#[migrations]
# A folder of NNN_name.up.sql and NNN_name.down.sql: what is pending is applied before the release starts.
#dir = "migrations"
# The setting WRKTALK_AGENT_APP_DSN of the site's agent says where that is.
#database = "app"
# When the release fails, or an older one is deployed: they stay (keep), or their down files are run (down).
#on-rollback = "keep"

#[backup]
# Databases of which a proven backup is made before anything is touched.
#before = ["app"]
)";

}  // namespace

std::string commented_example(const std::string& chart_type) {
  return std::string(kHead) + kRelease + (chart_type == "helm" ? "" : kData) + kSettings + kDatabases;
}

}  // namespace wrktalk::release_manifest
