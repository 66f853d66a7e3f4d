// SPDX-License-Identifier: Apache-2.0
#include "core/images/manifest.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <sys/utsname.h>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

constexpr const char* kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr const char* kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr const char* kDockerConfig = "application/vnd.docker.container.image.v1+json";

constexpr std::array kLayers = {kOciLayer,
                                "application/vnd.oci.image.layer.v1.tar+gzip",
                                "application/vnd.oci.image.layer.v1.tar+zstd",
                                "application/vnd.oci.image.layer.nondistributable.v1.tar",
                                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                                "application/vnd.docker.image.rootfs.diff.tar",
                                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                                "application/vnd.docker.image.rootfs.diff.tar.zstd",
                                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"};

constexpr std::size_t kMostParts = 10'000;

std::string shown(const std::string& text) {
  const std::string line = base::one_line(base::scrub_utf8(text));
  return "\"" + (line.size() > 100 ? line.substr(0, 100) + "..." : line) + "\"";
}

[[noreturn]] void refuse(const std::string& why) { throw Error(Kind::artifact, why); }

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json parse(std::string_view text, const std::string& what) {
  if (static_cast<std::int64_t>(text.size()) > kLargestManifest) {
    refuse(what + " is larger than " + base::human_size(static_cast<std::uint64_t>(kLargestManifest)));
  }
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) refuse(what + " is no JSON object");
  return value;
}

Platform platform_of(const json& object) {
  return {text_of(object, "os"), text_of(object, "architecture"), text_of(object, "variant")};
}

Descriptor descriptor_of(const json& value, const std::string& where) {
  if (!value.is_object()) refuse(where + " has an entry that is no object");
  Descriptor out{text_of(value, "digest"), text_of(value, "mediaType")};
  if (!is_digest(out.digest)) refuse(where + " names " + shown(out.digest) + " where a sha256 digest belongs");
  const auto size = value.find("size");
  if (size == value.end() || !size->is_number_integer() ||
      (size->is_number_unsigned() && size->get<std::uint64_t>() > INT64_MAX) || size->get<std::int64_t>() < 0) {
    refuse(where + " tells no size for " + out.digest);
  }
  out.size = size->get<std::int64_t>();
  if (const auto platform = value.find("platform"); platform != value.end() && platform->is_object()) {
    out.platform = platform_of(*platform);
  }
  if (const auto notes = value.find("annotations"); notes != value.end() && notes->is_object()) {
    out.full_name = text_of(*notes, "io.containerd.image.name");
    out.ref_name = text_of(*notes, "org.opencontainers.image.ref.name");
    out.is_attestation = notes->contains("vnd.docker.reference.type");
  }
  if (out.platform.os == "unknown" && out.platform.architecture == "unknown") out.is_attestation = true;
  return out;
}

std::vector<Descriptor> list_of(const json& value, const char* key, const std::string& where) {
  const auto list = value.find(key);
  if (list == value.end() || !list->is_array()) refuse(where + " has no list '" + key + "'");
  if (list->size() > kMostParts) refuse(where + " lists more than " + std::to_string(kMostParts) + " parts");
  std::vector<Descriptor> out;
  for (const auto& one : *list) out.push_back(descriptor_of(one, where));
  return out;
}

/// One text must not be a manifest to some and an index to others.
void check_kind(const json& value, const std::string& type, const std::string& where) {
  const std::string own = text_of(value, "mediaType");
  if (!own.empty() && own != type)
    refuse(where + " calls itself " + shown(own) + ", but is referred to as " + shown(type));
  const bool is_index = is_index_type(type);
  if (value.contains(is_index ? "layers" : "manifests") || (is_index && value.contains("config"))) {
    refuse(where + " is both a manifest and an index");
  }
}

}  // namespace

bool is_index_type(const std::string& media_type) { return media_type == kOciIndex || media_type == kDockerList; }
bool is_manifest_type(const std::string& media_type) {
  return media_type == kOciManifest || media_type == kDockerManifest;
}

std::string Platform::text() const {
  return os + "/" + architecture + (variant.empty() ? std::string() : "/" + variant);
}

Platform parse_platform(const std::string& text) {
  const auto parts = base::split(text, '/');
  const auto good = [](const std::string& part) {
    return !part.empty() && part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
  };
  if (parts.size() < 2 || parts.size() > 3 || !std::all_of(parts.begin(), parts.end(), good)) {
    throw Error(Kind::usage, shown(text) + " is no platform", "write it as linux/amd64 or linux/arm/v7");
  }
  return {parts[0], parts[1], parts.size() == 3 ? parts[2] : std::string()};
}

Platform own_platform() {
  utsname machine{};
  ::uname(&machine);
  static const std::map<std::string, std::pair<const char*, const char*>> kNames = {
      {"x86_64", {"amd64", ""}}, {"aarch64", {"arm64", ""}},   {"armv7l", {"arm", "v7"}}, {"armv6l", {"arm", "v6"}},
      {"i686", {"386", ""}},     {"ppc64le", {"ppc64le", ""}}, {"s390x", {"s390x", ""}},  {"riscv64", {"riscv64", ""}}};
  const auto found = kNames.find(machine.machine);
  if (found == kNames.end()) return {"linux", machine.machine, ""};
  return {"linux", found->second.first, found->second.second};
}

bool serves(const Platform& have, const Platform& wanted) {
  return have.os == wanted.os && have.architecture == wanted.architecture &&
         (wanted.variant.empty() || have.variant.empty() || have.variant == wanted.variant);
}

Manifest parse_manifest(std::string_view text, const std::string& media_type) {
  const json value = parse(text, "the manifest");
  const std::string where = "the manifest";
  check_kind(value, media_type, where);
  const auto config = value.find("config");
  if (config == value.end()) refuse(where + " names no configuration");
  Manifest out{descriptor_of(*config, where), list_of(value, "layers", where)};
  if (out.config.media_type != kOciConfig && out.config.media_type != kDockerConfig) {
    refuse("its configuration has the media type " + shown(out.config.media_type) + ": it is no container image");
  }
  if (out.config.size > kLargestManifest) {
    refuse("its configuration is larger than " + base::human_size(static_cast<std::uint64_t>(kLargestManifest)));
  }
  for (const auto& layer : out.layers) {
    if (std::find(kLayers.begin(), kLayers.end(), layer.media_type) == kLayers.end()) {
      refuse("layer " + layer.digest + " has the unknown media type " + shown(layer.media_type));
    }
  }
  return out;
}

std::vector<Descriptor> parse_index(std::string_view text, const std::string& media_type, const std::string& name) {
  const json value = parse(text, name);
  check_kind(value, media_type, name);
  auto out = list_of(value, "manifests", name);
  for (const auto& one : out) {
    const bool known = one.is_attestation || is_index_type(one.media_type) || is_manifest_type(one.media_type);
    if (!known) refuse(name + " names " + one.digest + " with the unknown media type " + shown(one.media_type));
    if (!one.is_attestation && one.size > kLargestManifest) {
      refuse("manifest " + one.digest + " is larger than " +
             base::human_size(static_cast<std::uint64_t>(kLargestManifest)));
    }
  }
  return out;
}

std::string media_type_of(std::string_view text) {
  const json value = parse(text, "the manifest");
  const std::string own = text_of(value, "mediaType");
  if (!own.empty()) return own;
  if (value.contains("manifests")) return kOciIndex;
  return value.contains("config") && value.contains("layers") ? kOciManifest : std::string();
}

Config parse_config(std::string_view text, const std::string& digest) {
  const json value = parse(text, "configuration " + digest);
  Config out{platform_of(value), {}};
  const auto rootfs = value.find("rootfs");
  if (rootfs == value.end() || !rootfs->is_object()) return out;
  const auto ids = rootfs->find("diff_ids");
  if (ids == rootfs->end() || !ids->is_array()) return out;
  for (const auto& id : *ids) {
    if (!id.is_string() || !is_digest(id.get<std::string>()))
      refuse("configuration " + digest + " names a layer that is no digest");
    out.diff_ids.push_back(id.get<std::string>());
  }
  return out;
}

}  // namespace wrktalk::images
