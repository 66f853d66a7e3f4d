// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::deploy {

/// An image that a release carries, as it is for one platform.
struct CarriedImage {
  std::string reference;         ///< as the release's files name it
  std::string name;              ///< as an engine can keep it: "repository:tag"
  std::vector<std::string> ids;  ///< by which an engine may know it: the digests of configuration, manifest and index
  std::vector<std::string> diff_ids;  ///< its layers unpacked, from the base up
};

/// One image to load; `present` layers, from the base up, are left out because the engine has them.
struct ImageToLoad {
  CarriedImage image;
  std::size_t present = 0;
};

/// The images that stored releases carry. May throw what the database throws; Error(artifact) for what is damaged, or not there for the platform.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  /// The engine's, "linux/amd64"; asked for only where it is needed.
  using Platform = std::function<std::string()>;
  /// Those of a version; empty when it carries none.
  virtual std::vector<CarriedImage> images(const std::string& version, const Platform& platform,
                                           base::Pulse& pulse) = 0;
  /// Whether two texts name the same image: "nginx" and "docker.io/library/nginx:latest".
  virtual bool is_same(const std::string& one, const std::string& other) const = 0;

  struct Stream {
    std::string version;
    std::string platform;
    std::vector<ImageToLoad> images;
    bool unpack_zstd = false;  ///< for engines that do not know it
  };
  /// Bytes of the blobs in it.
  virtual std::int64_t size(const Stream& stream, base::Pulse& pulse) = 0;
  /// What `docker load` reads, in pieces. What `sink` throws passes.
  virtual void write(const Stream& stream, const std::function<void(std::string_view)>& sink, base::Pulse& pulse) = 0;
};

}  // namespace wrktalk::deploy
