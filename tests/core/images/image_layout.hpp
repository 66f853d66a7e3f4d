// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/text.hpp"
#include "core/images/load_image.hpp"
#include "tests/core/images/fixture.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::test {

/// Images made of nothing but layers, in memory.
struct Layout {
  std::map<std::string, std::pair<std::string, std::string>> content;  ///< digest: media type, bytes
  std::vector<images::Image> images;
  std::vector<std::string> command{"/bin/true"};

  std::string put(const std::string& media_type, const std::string& bytes) {
    const std::string digest = digest_of(bytes);
    content[digest] = {media_type, bytes};
    return digest;
  }

  nlohmann::ordered_json descriptor(const std::string& digest) const {
    const auto& [type, bytes] = content.at(digest);
    return {{"mediaType", type}, {"digest", digest}, {"size", bytes.size()}};
  }

  static std::string zstd(const std::string& plain) {
    std::string packed(ZSTD_compressBound(plain.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
    return packed;
  }

  /// The manifest's digest.
  std::string manifest(const std::vector<std::string>& layers, const std::string& layer_type,
                       const std::string& platform) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    nlohmann::ordered_json diff_ids = nlohmann::ordered_json::array();
    for (const auto& layer : layers) {
      const bool packed = layer_type.find("+zstd") != std::string::npos;
      list.push_back(descriptor(put(layer_type, packed ? zstd(layer) : layer)));
      diff_ids.push_back(digest_of(layer));
    }
    const auto found = images::parse_platform(platform);
    const nlohmann::ordered_json config = {{"architecture", found.architecture},
                                           {"os", found.os},
                                           {"config", {{"Cmd", command}}},
                                           {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}};
    const nlohmann::ordered_json manifest = {{"schemaVersion", 2},
                                             {"mediaType", images::kOciManifest},
                                             {"config", descriptor(put(images::kOciConfig, config.dump()))},
                                             {"layers", list}};
    return put(images::kOciManifest, manifest.dump());
  }

  /// The image's digest.
  std::string add(const std::string& reference, const std::vector<std::string>& layers,
                  const std::string& layer_type = images::kOciLayer) {
    const std::string digest = manifest(layers, layer_type, "linux/amd64");
    images.push_back({reference, digest, images::kOciManifest, {"linux/amd64"}, 0});
    return digest;
  }

  /// One layer for each platform.
  void add_index(const std::string& reference, const std::vector<std::pair<std::string, std::string>>& platforms) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& [platform, layer] : platforms) {
      auto one = descriptor(manifest({layer}, images::kOciLayer, platform));
      const auto found = images::parse_platform(platform);
      one["platform"] = {{"os", found.os}, {"architecture", found.architecture}};
      list.push_back(one);
    }
    const nlohmann::ordered_json index = {{"schemaVersion", 2}, {"mediaType", images::kOciIndex}, {"manifests", list}};
    images.push_back({reference, put(images::kOciIndex, index.dump()), images::kOciIndex, {}, 0});
  }

  std::vector<images::Blob> blobs() const {
    std::vector<images::Blob> out;
    for (const auto& [digest, blob] : content)
      out.push_back({digest, blob.first, static_cast<std::int64_t>(blob.second.size())});
    return out;
  }

  images::BlobReader reader() const {
    return [this](const images::Blob& blob, const images::Sink& sink) {
      const std::string& bytes = content.at(blob.digest).second;
      for (std::size_t at = 0; at < bytes.size(); at += images::kChunk)
        sink(std::string_view(bytes).substr(at, images::kChunk));
    };
  }

  /// Into the tables, as blobs and images of the release.
  void store(db::Session& db, const std::string& artifact_id) const {
    for (const auto& [digest, blob] : content) {
      const auto size = static_cast<std::int64_t>(blob.second.size());
      db.run("INSERT INTO image_blob (digest, size_bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING", digest, size);
      for (std::int64_t at = 0; at < size; at += images::kChunk) {
        const std::string piece = blob.second.substr(static_cast<std::size_t>(at), images::kChunk);
        db.run(
            "INSERT INTO image_blob_chunk (digest, seq, data) VALUES ($1, $2, decode($3, 'hex')) ON CONFLICT DO "
            "NOTHING",
            digest, at / images::kChunk,
            base::to_hex(reinterpret_cast<const unsigned char*>(piece.data()), piece.size()));
      }
      db.run("INSERT INTO release_image_blob (artifact_id, digest, media_type) VALUES ($1, $2, $3)", artifact_id,
             digest, blob.first);
    }
    for (const auto& image : images)
      db.run(
          "INSERT INTO release_image (artifact_id, reference, digest, media_type, platforms, size_bytes) VALUES ($1, "
          "$2, "
          "$3, $4, '{linux/amd64}', 0)",
          artifact_id, image.reference, image.digest, image.media_type);
  }
};

}  // namespace wrktalk::test
