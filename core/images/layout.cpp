// SPDX-License-Identifier: Apache-2.0
#include "core/images/layout.hpp"

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kIndex = "index.json";
constexpr const char* kManifest = "manifest.json";

std::string folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash + 1);
}

std::string file_of(const std::string& name) { return name.substr(folder_of(name).size()); }

std::string sha256(std::string_view text) { return "sha256:" + base::sha256_hex(text); }

/// Names in manifest.json are paths: they stay below it.
std::string checked_path(const json& value, const char* key) {
  if (!value.is_string()) throw Error(Kind::artifact, std::string("manifest.json has no path in '") + key + "'");
  const auto path = value.get<std::string>();
  const auto parts = base::split(path, '/');
  if (path.empty() || path.front() == '/' || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    throw Error(Kind::artifact,
                "manifest.json names a path that leads elsewhere: " + base::one_line(base::scrub_utf8(path)));
  }
  return path;
}

/// What a layer is packed with, by its first bytes.
std::string layer_type(std::string_view head) {
  if (base::starts_with(head, "\x1F\x8B")) return std::string(kOciLayer) + "+gzip";
  if (base::starts_with(head, "\x28\xB5\x2F\xFD")) return std::string(kOciLayer) + "+zstd";
  return kOciLayer;
}

ordered_json to_json(const Descriptor& one) {
  return {{"mediaType", one.media_type}, {"digest", one.digest}, {"size", one.size}};
}

/// A folder's name as skopeo sync writes it, REGISTRY/REPOSITORY:TAG.
std::string named_by_folder(const std::string& folder) {
  const std::string name = folder.substr(0, folder.empty() ? 0 : folder.size() - 1);
  if (name.find_first_of(":@") == std::string::npos) return {};
  try {
    parse_reference(name);
  } catch (const Error&) {
    return {};
  }
  return name;
}

}  // namespace

void Content::read(const std::function<void(std::string_view)>& sink, base::Pulse& pulse) const {
  if (files_) {
    files_->read(name_, sink, pulse);
  } else {
    sink(text_);
  }
}

std::string Content::text(base::Pulse& pulse) const {
  return files_ ? read_text(*files_, name_, kLargestManifest, pulse) : text_;
}

Layout::Layout(const std::string& path, base::Pulse& pulse) : files_(open_files(path, pulse)) {
  try {
    auto names = files_->names();
    // What lies on top counts before what lies below it.
    std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return std::count(a.begin(), a.end(), '/') < std::count(b.begin(), b.end(), '/');
    });
    std::vector<std::string> taken;
    for (const char* wanted : {kIndex, kManifest}) {
      for (const auto& name : names) {
        if (file_of(name) != wanted) continue;
        const std::string folder = folder_of(name);
        const bool is_below = std::any_of(taken.begin(), taken.end(),
                                          [&](const std::string& top) { return base::starts_with(folder, top); });
        if (is_below) continue;
        add(wanted, folder, pulse);
        taken.push_back(folder);
      }
    }
    if (taken.empty()) {
      throw Error(Kind::artifact, "it holds no images: neither index.json nor manifest.json is in it",
                  "name an OCI layout, a folder that skopeo made (dir:), or what docker save wrote");
    }
  } catch (Error& error) {
    if (error.kind() == Kind::artifact) error.add_context(path);
    throw;
  }
}

const Content* Layout::find(const std::string& digest) const {
  const auto found = contents_.find(digest);
  return found == contents_.end() ? nullptr : &found->second;
}

void Layout::add(const std::string& name, const std::string& folder, base::Pulse& pulse) {
  if (name == kIndex) {
    add_oci(folder, pulse);
    return;
  }
  const std::string text = read_text(*files_, folder + kManifest, kLargestManifest, pulse);
  const json value = json::parse(text, nullptr, false);
  if (value.is_array()) {
    add_saved(folder, text, pulse);
  } else {
    add_dir(folder, text);
  }
}

void Layout::add_oci(const std::string& folder, base::Pulse& pulse) {
  constexpr const char* kBlobs = "blobs/sha256/";
  for (const auto& name : files_->names()) {
    const std::string top = folder + kBlobs;
    if (!base::starts_with(name, top)) continue;
    const std::string digest = "sha256:" + name.substr(top.size());
    if (is_digest(digest))
      contents_.emplace(digest, Content(files_, name, files_->size(name).value_or(0), Content::Digest::claimed));
  }
  const std::string text = read_text(*files_, folder + kIndex, kLargestManifest, pulse);
  for (auto& top : parse_index(text, kOciIndex, kIndex)) {
    if (top.is_attestation) continue;
    Offer offer{top, top.full_name, {}};
    const bool is_name = top.ref_name.find_first_of("/:") != std::string::npos;
    if (offer.name.empty()) (is_name ? offer.name : offer.tag_only) = top.ref_name;
    offers_.push_back(std::move(offer));
  }
}

void Layout::add_dir(const std::string& folder, const std::string& manifest) {
  for (const auto& name : files_->names()) {
    if (folder_of(name) != folder) continue;
    const std::string digest = "sha256:" + file_of(name).substr(0, 64);
    const std::string rest = file_of(name).size() > 64 ? file_of(name).substr(64) : std::string();
    if (!is_digest(digest) || (!rest.empty() && rest != ".manifest.json")) continue;
    contents_.emplace(digest, Content(files_, name, files_->size(name).value_or(0), Content::Digest::claimed));
  }
  offers_.push_back({made(manifest, media_type_of(manifest)), named_by_folder(folder), {}});
}

void Layout::add_saved(const std::string& folder, const std::string& list, base::Pulse& pulse) {
  for (const auto& saved : json::parse(list)) {
    if (!saved.is_object() || !saved.contains("Config") || !saved.contains("Layers") || !saved["Layers"].is_array()) {
      throw Error(Kind::artifact, "manifest.json is not as docker save writes it");
    }
    const std::string config_path = folder + checked_path(saved["Config"], "Config");
    const auto config = made(read_text(*files_, config_path, kLargestManifest, pulse), kOciConfig);
    ordered_json manifest = {{"schemaVersion", 2}, {"mediaType", kOciManifest}, {"config", to_json(config)}};
    manifest["layers"] = ordered_json::array();
    for (const auto& layer : saved["Layers"]) {
      manifest["layers"].push_back(to_json(hashed(folder + checked_path(layer, "Layers"), pulse)));
    }
    const Descriptor top = made(manifest.dump(), kOciManifest);
    bool is_named = false;
    if (saved.contains("RepoTags") && saved["RepoTags"].is_array()) {
      for (const auto& tag : saved["RepoTags"]) {
        if (!tag.is_string()) continue;
        is_named = true;
        offers_.push_back({top, tag.get<std::string>(), {}});
      }
    }
    if (!is_named) offers_.push_back({top, {}, {}});
  }
}

/// A layer that has no digest there, as it is.
Descriptor Layout::hashed(const std::string& name, base::Pulse& pulse) {
  const auto size = files_->size(name);
  if (!size) throw Error(Kind::artifact, "layer " + base::one_line(base::scrub_utf8(name)) + " is missing");
  const auto [place, is_new] = hashed_before_.try_emplace(files_->identity(name));
  if (!is_new) return place->second;
  base::Sha256 hash;
  std::string head;
  std::int64_t read = 0;
  files_->read(
      name,
      [&](std::string_view piece) {
        if (head.size() < 4) head += piece.substr(0, 4 - head.size());
        hash.update(piece.data(), piece.size());
        read += static_cast<std::int64_t>(piece.size());
      },
      pulse);
  place->second = {"sha256:" + hash.hex(), layer_type(head), read};
  contents_.emplace(place->second.digest, Content(files_, name, read, Content::Digest::computed));
  return place->second;
}

Descriptor Layout::made(std::string text, const std::string& media_type) {
  Descriptor out{sha256(text), media_type, static_cast<std::int64_t>(text.size())};
  contents_.insert_or_assign(out.digest, Content(std::move(text)));
  return out;
}

}  // namespace wrktalk::images
