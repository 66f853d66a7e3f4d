// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/load_image.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wrktalk::images {

/// One image in a stream.
struct Load {
  LoadImage image;
  std::size_t present = 0;  ///< so many layers, from the base up, are left out: the engine has them
};

/// Bytes of the blobs that a stream would hold.
std::int64_t load_size(const std::vector<Load>& loads);

/// Writes what `docker load` reads: a tar archive of an OCI layout with docker's manifest.json, which comes last, so that nothing is named by a
/// stream that was cut. Memory does not depend on the size. With `unpack_zstd`, layers packed by zstd are written unpacked, for engines that
/// do not know it; they are read twice. What `sink` throws passes through.
void write_load(const std::vector<Load>& loads, bool unpack_zstd, const BlobReader& read, const Sink& sink);

}  // namespace wrktalk::images
