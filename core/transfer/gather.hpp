// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"
#include "core/images/plan.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace wrktalk::transfer {

struct Wish {
  std::vector<std::string> references;
  std::vector<images::Platform> platforms;
  std::set<std::string> damaged{};  ///< blobs that are stored and are to be copied all the same, by digest
};

/// What is said meanwhile.
struct Story {
  /// "copying web:1 from its registry", and how many bytes that will be.
  std::function<void(const std::string& what, std::int64_t total)> begin;
  std::function<void(std::int64_t done)> at;
};

struct Gathered {
  images::Plan plan;       ///< its blobs are stored
  std::int64_t bytes = 0;  ///< that were
};

/// Copies images into the database: from the engine of this machine when it has one as it is wanted, else from its registry. Whether all can be had is asked before
/// anything is copied. One image at a time lies below $TMPDIR, without the layers that are stored already; its blobs are stored before the next one is copied, so
/// that a command which is interrupted is gone on with. Throws Error(configuration) without skopeo, Error(artifact | child) for what cannot be had.
Gathered gather(db::raw::Connection& db, const Wish& wish, base::Pulse& pulse, const Story& story);

}  // namespace wrktalk::transfer
