// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// How long stored releases are kept.
namespace wrktalk::queue {

struct Prunable {
  std::string id;
  std::string version;
  std::string chart_type;
  std::uint64_t size_bytes = 0;
  std::string created_at;  ///< as PostgreSQL prints timestamptz
};

/// Releases beyond the `keep` newest of each chart type that nothing needs: not current or previous on any target nor by the v4.2 flags,
/// and not asked for by a pending or running task. Oldest first.
std::vector<Prunable> prunable(db::Session& db, int keep);

/// Removes one of them, unless it is needed by now: then false. Ended tasks keep its version in their result.
bool prune(db::Session& db, const std::string& id);

}  // namespace wrktalk::queue
