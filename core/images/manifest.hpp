// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// OCI manifests and indexes, and Docker's manifests and lists (schema 2).
namespace wrktalk::images {

/// A manifest, an index, a configuration: more is none.
constexpr std::int64_t kLargestManifest = 4 << 20;

constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";
constexpr const char* kOciConfig = "application/vnd.oci.image.config.v1+json";
constexpr const char* kOciLayer = "application/vnd.oci.image.layer.v1.tar";

bool is_index_type(const std::string& media_type);
bool is_manifest_type(const std::string& media_type);

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;

  bool empty() const { return os.empty() && architecture.empty(); }
  std::string text() const;
};

/// "OS/ARCHITECTURE[/VARIANT]". Throws Error(usage).
Platform parse_platform(const std::string& text);
/// This machine's.
Platform own_platform();
/// Whether an image for `have` is meant by `wanted`; a variant counts where `wanted` names one.
bool serves(const Platform& have, const Platform& wanted);

struct Descriptor {
  std::string digest;
  std::string media_type;
  std::int64_t size = 0;
  Platform platform{};          ///< of a manifest in an index; may be empty
  bool is_attestation = false;  ///< it says something about an image and is none
  std::string full_name{};      ///< of annotation io.containerd.image.name
  std::string ref_name{};       ///< of annotation org.opencontainers.image.ref.name: a name, or a tag alone
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};

/// The text of a blob and its media type, as its descriptor tells it. Throws Error(artifact) for another kind, another type inside, a digest that is
/// none, a type that no image has, a size below zero.
Manifest parse_manifest(std::string_view text, const std::string& media_type);
/// The same of an index, which may hold indexes here; `name` is for messages.
std::vector<Descriptor> parse_index(std::string_view text, const std::string& media_type, const std::string& name);
/// What the text says it is; empty when it is no manifest and no index.
std::string media_type_of(std::string_view text);

struct Config {
  Platform platform;
  std::vector<std::string> diff_ids;
};
Config parse_config(std::string_view text, const std::string& digest);

}  // namespace wrktalk::images
