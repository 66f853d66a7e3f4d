// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/source.hpp"

#include <memory>

namespace wrktalk::artifact {

/// The unpacked bytes of `packed`, which must outlive the result: gzip (any number of members, zeros after the last),
/// zstd (any number of frames, a window of at most 8 MiB) or a plain tar, told apart by the first bytes.
/// Reads `packed` to its end. Throws Error(artifact) for what is damaged, cut short, followed by anything else, or packed in
/// another way.
std::unique_ptr<Source> decompress(Source& packed);

}  // namespace wrktalk::artifact
