// SPDX-License-Identifier: Apache-2.0
#include "core/images/load_image.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kShortDigest = 12;

class Finder {
 public:
  Finder(const std::vector<Blob>& stored, const Platform& platform, const BlobReader& read)
      : platform_(platform), read_(read) {
    for (const auto& blob : stored) stored_[blob.digest] = blob;
  }

  LoadImage find(const Image& image) const {
    LoadImage out;
    out.reference = image.reference;
    out.top = need(image.digest, image.media_type);
    out.manifest = is_index_type(out.top.media_type) ? of_platform(image, out.top) : out.top;
    const Manifest manifest = parse_manifest(text_of(out.manifest), out.manifest.media_type);
    out.config = need(manifest.config.digest, manifest.config.media_type);
    const Config config = parse_config(text_of(out.config), out.config.digest);
    if (!config.platform.empty() && !serves(config.platform, platform_)) not_for_us(image, config.platform.text());
    for (const auto& layer : manifest.layers) out.layers.push_back(need(layer.digest, layer.media_type));
    out.diff_ids = config.diff_ids;
    if (out.diff_ids.size() != out.layers.size()) {
      throw Error(Kind::artifact, "image " + image.reference + " has " + std::to_string(out.layers.size()) +
                                      " layers, and its configuration names " + std::to_string(out.diff_ids.size()));
    }
    return out;
  }

 private:
  Blob need(const std::string& digest, const std::string& media_type) const {
    const auto found = stored_.find(digest);
    if (found == stored_.end())
      throw Error(Kind::artifact, "image blob " + digest + " is not stored", "store its release again");
    return {digest, media_type, found->second.size};
  }

  Blob of_platform(const Image& image, const Blob& index) const {
    std::string others;
    for (const auto& one : parse_index(text_of(index), index.media_type, image.reference)) {
      if (one.is_attestation || stored_.count(one.digest) == 0) continue;
      if (one.platform.empty() || serves(one.platform, platform_)) return need(one.digest, one.media_type);
      others += (others.empty() ? "" : ", ") + one.platform.text();
    }
    not_for_us(image, others);
  }

  [[noreturn]] void not_for_us(const Image& image, const std::string& others) const {
    throw Error(Kind::artifact,
                "the release carries image " + image.reference + " for " + (others.empty() ? "no platform" : others) +
                    ", and the engine needs " + platform_.text(),
                "store the release with --platform " + platform_.text());
  }

  std::string text_of(const Blob& blob) const {
    if (blob.size > kLargestManifest)
      throw Error(Kind::artifact, "image blob " + blob.digest + " is too large for a manifest or configuration: " +
                                      base::human_size(static_cast<std::uint64_t>(blob.size)));
    std::string text;
    read_(blob, [&](std::string_view bytes) { text.append(bytes); });
    return text;
  }

  Platform platform_;
  const BlobReader& read_;
  std::map<std::string, Blob> stored_;
};

std::string repository(const std::string& reference) {
  const std::string name = reference.substr(0, reference.find('@'));
  const std::size_t colon = name.rfind(':');
  const bool has_tag = colon != std::string::npos && name.find('/', colon) == std::string::npos;
  return has_tag ? name.substr(0, colon) : name;
}

/// "app:1@sha256:..." without the digest; empty when no tag is left.
std::string tagged(const std::string& reference) {
  const std::string name = reference.substr(0, reference.find('@'));
  if (repository(reference) != name) return name;
  return name.size() == reference.size() ? name + ":latest" : std::string();
}

/// References by tag have the first choice; of those by digest the tag is for people.
void give_names(std::vector<LoadImage>& images) {
  std::set<std::string> taken;
  for (const bool by_digest : {false, true}) {
    for (auto& image : images) {
      if ((image.reference.find('@') != std::string::npos) != by_digest) continue;
      image.name = tagged(image.reference);
      const bool is_free = !image.name.empty() && taken.insert(parse_reference(image.name).name()).second;
      if (is_free || !by_digest) continue;
      const std::string digest = image.top.digest.substr(image.top.digest.find(':') + 1);
      image.name = repository(image.reference) + ":" + digest.substr(0, kShortDigest);
      taken.insert(parse_reference(image.name).name());
    }
  }
}

}  // namespace

std::vector<LoadImage> load_images(const std::vector<Image>& images, const std::vector<Blob>& stored,
                                   const Platform& platform, const BlobReader& read) {
  const Finder finder(stored, platform, read);
  std::vector<LoadImage> out;
  out.reserve(images.size());
  for (const auto& image : images) out.push_back(finder.find(image));
  give_names(out);
  return out;
}

}  // namespace wrktalk::images
