// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/release_manifest/version_order.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::release_manifest {

/// A stored release, and what may be upgraded to it.
struct Stop {
  std::string version;
  std::optional<VersionRange> from{};  ///< nothing: any older version
};

/// Which releases to deploy one after the other, `goal` last, so that each may be deployed over the one before it, the first over `running`: as few as can be, of
/// those the newest. Only what is newer than `running` and older than `goal` is taken, so that no way goes in a circle. Empty: there is no way.
std::vector<std::string> way_up(const std::string& running, const Stop& goal, const std::vector<Stop>& stored);

/// Where the way ends, backwards from `goal`: "2.0 takes >=1.4, and no stored release between 1.2 and 2.0 fits that".
std::string where_it_ends(const std::string& running, const Stop& goal, const std::vector<Stop>& stored);

}  // namespace wrktalk::release_manifest
