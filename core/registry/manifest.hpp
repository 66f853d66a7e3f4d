// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::registry {

/// What a manifest or an index names: https://github.com/opencontainers/image-spec/blob/main/manifest.md
struct Descriptor {
  std::string digest;
  std::string media_type;
  bool is_manifest = false;
};

struct Manifest {
  std::string media_type;  ///< of the document itself; empty when it does not say
  std::vector<Descriptor> names;
};

/// Throws Error(artifact) for a text that is none.
Manifest parse_manifest(std::string_view text);

/// Media type and kind of each blob of an image, by digest; the image's own among them.
struct Member {
  std::string media_type;
  bool is_manifest = false;
};
using Members = std::map<std::string, Member>;

}  // namespace wrktalk::registry
