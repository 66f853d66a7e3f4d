// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/manifest.hpp"
#include "core/images/store.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wrktalk::images {

/// An image of a release as a Docker engine gets it.
struct LoadImage {
  std::string reference;  ///< as the bundle writes it
  /// As the engine is to keep it, "repository:tag", as short as `reference`. Of an image that is loaded, an engine without containerd's image store
  /// keeps no digest: what is named by digest alone gets a tag out of it.
  std::string name;
  Blob top;  ///< manifest or index: what the reference means
  Blob manifest;
  Blob config;
  std::vector<Blob> layers;           ///< from the base up
  std::vector<std::string> diff_ids;  ///< the digests of the layers unpacked
};

/// Hands a whole blob to `sink`, whose digest is checked at the end, as `read_blob` does.
using BlobReader = std::function<void(const Blob& blob, const Sink& sink)>;

/// The images as an engine of `platform` gets them; each has a name of its own. `stored`: all that the release needs. Throws Error(artifact) for
/// an image that is not there for that platform, and for what is no image.
std::vector<LoadImage> load_images(const std::vector<Image>& images, const std::vector<Blob>& stored,
                                   const Platform& platform, const BlobReader& read);

}  // namespace wrktalk::images
