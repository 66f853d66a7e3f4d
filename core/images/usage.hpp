// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace wrktalk::images {

/// What the images of a release take in the database.
struct Usage {
  std::int64_t images = 0;
  std::int64_t size = 0;    ///< of all blobs, each once
  std::int64_t shared = 0;  ///< of those that other releases need, too
};

/// Whether the database has the tables for images at all: an older agent's has not.
bool has_tables(db::Session& db);

/// By the release's id; those without images are left out. Empty without the tables.
std::map<std::string, Usage> usage(db::Session& db);

}  // namespace wrktalk::images
