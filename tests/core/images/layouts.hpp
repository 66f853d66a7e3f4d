// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/files.hpp"
#include "tests/core/images/fixture.hpp"
#include "tests/support/tar.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::test {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Files of an OCI layout, to be made as good or as bad as a test wants.
class LayoutFiles {
 public:
  using Json = nlohmann::ordered_json;

  Json blob(const std::string& bytes, const std::string& media_type) {
    files["blobs/sha256/" + base::sha256_hex(bytes)] = bytes;
    return {{"mediaType", media_type}, {"digest", digest_of(bytes)}, {"size", bytes.size()}};
  }

  Json manifest(const std::vector<std::string>& layers, const std::string& platform = "amd64") {
    Json config = {{"os", "linux"}, {"architecture", platform}, {"rootfs", {{"type", "layers"}}}};
    config["rootfs"]["diff_ids"] = Json::array();
    Json out = {{"schemaVersion", 2}, {"mediaType", kManifestType}};
    for (const auto& layer : layers) config["rootfs"]["diff_ids"].push_back(digest_of("of " + layer));
    out["config"] = blob(config.dump(), "application/vnd.oci.image.config.v1+json");
    out["layers"] = Json::array();
    for (const auto& layer : layers) out["layers"].push_back(blob(layer, kLayerType));
    return out;
  }

  static Json on(Json descriptor, const std::string& architecture, const std::string& os = "linux") {
    descriptor["platform"] = {{"os", os}, {"architecture", architecture}};
    return descriptor;
  }

  Json index(const std::vector<Json>& children) {
    return {{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", children}};
  }

  /// Puts a manifest or an index on top.
  std::string top(const Json& value, const std::string& name = {}) {
    Json descriptor = blob(value.dump(), value.value("mediaType", std::string(kManifestType)));
    if (!name.empty()) descriptor["annotations"] = {{"org.opencontainers.image.ref.name", name}};
    return top_descriptor(descriptor);
  }

  std::string top_descriptor(const Json& descriptor) {
    tops.push_back(descriptor);
    files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
    files["index.json"] = index(tops).dump();
    return descriptor["digest"];
  }

  std::string write_folder(const std::string& path) const {
    for (const auto& [name, bytes] : files) {
      base::make_directories(path + "/" + name.substr(0, name.rfind('/') == std::string::npos ? 0 : name.rfind('/')),
                             0755);
      base::write_file(path + "/" + name, bytes, 0644);
    }
    return path;
  }

  std::string tar() const {
    Tar out;
    for (const auto& [name, bytes] : files) out.file(name, bytes);
    return out.bytes();
  }

  std::map<std::string, std::string> files;
  std::vector<Json> tops;
};

}  // namespace wrktalk::test
