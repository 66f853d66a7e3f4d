// SPDX-License-Identifier: Apache-2.0
#include "core/images/load_stream.hpp"

#include "core/artifact/tar_writer.hpp"
#include "core/artifact/unzstd_stream.hpp"
#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace wrktalk::images {
namespace {

using artifact::TarWriter;
using base::Error;
using base::Kind;
using nlohmann::ordered_json;

std::string path_of(const std::string& digest) { return "blobs/sha256/" + digest.substr(digest.find(':') + 1); }

bool is_zstd(const Blob& layer) { return base::ends_with(layer.media_type, "+zstd"); }

class Stream {
 public:
  Stream(bool unpack_zstd, const BlobReader& read, const Sink& sink)
      : unpack_zstd_(unpack_zstd), read_(read), tar_(sink) {}

  void write(const std::vector<Load>& loads) {
    ordered_json manifests = ordered_json::array();
    ordered_json descriptors = ordered_json::array();
    for (const auto& load : loads) {
      const auto& image = load.image;
      ordered_json layers = ordered_json::array();
      for (std::size_t i = 0; i < image.layers.size(); ++i) layers.push_back(layer(image, i, i < load.present));
      blob(image.config);
      blob(image.manifest);
      blob(image.top);
      manifests.push_back({{"Config", path_of(image.config.digest)}, {"RepoTags", {image.name}}, {"Layers", layers}});
      descriptors.push_back(descriptor(image));
    }
    // A layout whose layers are not those of its manifests is none; an engine that does not know zstd does not read it either.
    if (!unpacked_any_) {
      tar_.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
      tar_.file("index.json",
                ordered_json{{"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", descriptors}}.dump());
    }
    tar_.file("manifest.json", manifests.dump());
    tar_.finish();
  }

 private:
  static ordered_json descriptor(const LoadImage& image) {
    return {{"mediaType", image.top.media_type},
            {"digest", image.top.digest},
            {"size", image.top.size},
            {"annotations",
             {{"io.containerd.image.name", full_name(image.name)},
              {"org.opencontainers.image.ref.name", image.name.substr(image.name.rfind(':') + 1)}}}};
  }

  static std::string full_name(const std::string& name) { return parse_reference(name).name(); }

  /// Its path in the archive.
  std::string layer(const LoadImage& image, std::size_t at, bool is_present) {
    const Blob& packed = image.layers[at];
    const bool unpack = unpack_zstd_ && is_zstd(packed);
    const std::string path = path_of(unpack ? image.diff_ids[at] : packed.digest);
    if (!is_present) unpack ? unpacked(packed, image.diff_ids[at]) : blob(packed);
    unpacked_any_ = unpacked_any_ || unpack;
    return path;
  }

  void blob(const Blob& blob) {
    if (!written_.insert(blob.digest).second) return;
    tar_.begin(path_of(blob.digest), blob.size);
    read_(blob, [&](std::string_view bytes) { tar_.data(bytes); });
  }

  /// Its size stands before it in the archive, and is known only when it was unpacked once.
  void unpacked(const Blob& packed, const std::string& diff_id) {
    if (!written_.insert(diff_id).second) return;
    std::int64_t size = 0;
    unpack(packed, [&](std::string_view bytes) { size += static_cast<std::int64_t>(bytes.size()); });
    tar_.begin(path_of(diff_id), size);
    unpack(packed, [&](std::string_view bytes) { tar_.data(bytes); });
  }

  void unpack(const Blob& packed, const Sink& sink) {
    artifact::UnzstdStream unzstd("layer " + packed.digest);
    read_(packed, [&](std::string_view bytes) { unzstd.take(bytes, sink); });
    unzstd.finish();
  }

  bool unpack_zstd_;
  const BlobReader& read_;
  TarWriter tar_;
  std::set<std::string> written_;
  bool unpacked_any_ = false;
};

}  // namespace

std::int64_t load_size(const std::vector<Load>& loads) {
  std::int64_t size = 0;
  std::set<std::string> counted;
  const auto count = [&](const Blob& blob) {
    if (counted.insert(blob.digest).second) size += blob.size;
  };
  for (const auto& load : loads) {
    for (std::size_t i = load.present; i < load.image.layers.size(); ++i) count(load.image.layers[i]);
    count(load.image.config);
    count(load.image.manifest);
    count(load.image.top);
  }
  return size;
}

void write_load(const std::vector<Load>& loads, bool unpack_zstd, const BlobReader& read, const Sink& sink) {
  Stream(unpack_zstd, read, sink).write(loads);
}

}  // namespace wrktalk::images
