// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/store.hpp"

namespace wrktalk::images {

struct Freed {
  std::int64_t blobs = 0;
  std::int64_t bytes = 0;
};

/// Removes those of `candidates` that no release needs, and blobs that were stored more than a day ago and none needs: what interrupted adds left.
/// A short transaction for a few blobs at a time. An add that refers to a blob meanwhile keeps it, or finds it gone and sends it again.
Freed prune(db::Session& db, const std::vector<Blob>& candidates, base::Pulse& pulse);

}  // namespace wrktalk::images
