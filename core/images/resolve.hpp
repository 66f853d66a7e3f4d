// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/layout.hpp"

#include <set>
#include <string>
#include <vector>

namespace wrktalk::images {

/// An image with everything it needs.
struct Resolved {
  std::vector<Descriptor> blobs;    ///< the index first, if any; each manifest before what it names
  std::set<std::string> platforms;  ///< "linux/amd64"
};

/// Follows a manifest or an index. Of an index those children that serve one of `platforms` are taken; attestations are passed over. Throws
/// Error(artifact) for a blob that is missing, has another size than is declared, or is a manifest with another digest.
Resolved resolve(const Layout& layout, const Descriptor& top, const std::vector<Platform>& platforms,
                 base::Pulse& pulse);

}  // namespace wrktalk::images
