// SPDX-License-Identifier: Apache-2.0
#include "core/images/resolve.hpp"

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kPlatformHint = "say --platform OS/ARCHITECTURE, or copy the image for this platform, too";

bool serves_any(const Platform& have, const std::vector<Platform>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const Platform& one) { return serves(have, one); });
}

std::string listed(const std::set<std::string>& texts) { return base::join({texts.begin(), texts.end()}, ", "); }

class Resolver {
 public:
  Resolver(const Layout& layout, const std::vector<Platform>& platforms, base::Pulse& pulse)
      : layout_(layout), platforms_(platforms), pulse_(pulse) {}

  Resolved run(const Descriptor& top) {
    if (is_index_type(top.media_type)) {
      index(top);
    } else if (is_manifest_type(top.media_type)) {
      const Platform found = manifest(top, top.platform);
      if (!found.empty() && !serves_any(found, platforms_)) {
        throw Error(Kind::artifact, "it is for " + found.text() + ", not for " + wanted(), kPlatformHint);
      }
    } else {
      throw Error(Kind::artifact, "its manifest has the unknown media type \"" +
                                      base::one_line(base::scrub_utf8(top.media_type)) + "\"");
    }
    return std::move(out_);
  }

 private:
  void index(const Descriptor& top) {
    const std::string text = text_of(top);
    out_.blobs.push_back(top);
    std::set<std::string> there;
    for (const auto& child : parse_index(text, top.media_type, "the index")) {
      if (child.is_attestation) continue;
      if (is_index_type(child.media_type)) {
        throw Error(Kind::artifact, "its index " + top.digest + " holds another index, " + child.digest,
                    "copy the inner one alone");
      }
      if (child.platform.empty() && layout_.find(child.digest) == nullptr) continue;
      if (!child.platform.empty()) there.insert(child.platform.text());
      if (child.platform.empty() || serves_any(child.platform, platforms_)) manifest(child, child.platform);
    }
    for (const auto& platform : platforms_) {
      const bool found = std::any_of(found_.begin(), found_.end(), [&](auto& have) { return serves(have, platform); });
      if (found) continue;
      throw Error(Kind::artifact,
                  "it is not for " + platform.text() + (there.empty() ? std::string() : ", but for " + listed(there)),
                  kPlatformHint);
    }
  }

  Platform manifest(const Descriptor& one, Platform platform) {
    const Manifest manifest = parse_manifest(text_of(one), one.media_type);
    const Config config = parse_config(text_of(manifest.config), manifest.config.digest);
    if (platform.empty()) platform = config.platform;
    if (!config.diff_ids.empty() && config.diff_ids.size() != manifest.layers.size()) {
      throw Error(Kind::artifact, "manifest " + one.digest + " names " + std::to_string(manifest.layers.size()) +
                                      " layers, its configuration " + std::to_string(config.diff_ids.size()));
    }
    for (const auto& layer : manifest.layers) content_of(layer);
    out_.blobs.push_back(one);
    out_.blobs.push_back(manifest.config);
    out_.blobs.insert(out_.blobs.end(), manifest.layers.begin(), manifest.layers.end());
    if (!platform.empty()) out_.platforms.insert(platform.text());
    found_.push_back(platform);
    return platform;
  }

  const Content& content_of(const Descriptor& one) const {
    const Content* content = layout_.find(one.digest);
    if (content == nullptr) {
      throw Error(Kind::artifact, "blob " + one.digest + " is missing", "copy the image again, whole");
    }
    if (content->size() != one.size) {
      throw Error(Kind::artifact, "blob " + one.digest + " has " + std::to_string(content->size()) + " bytes, " +
                                      std::to_string(one.size) + " are declared");
    }
    return *content;
  }

  std::string text_of(const Descriptor& one) const {
    const Content& content = content_of(one);
    if (content.size() > kLargestManifest) {
      throw Error(Kind::artifact, "manifest " + one.digest + " is larger than " +
                                      base::human_size(static_cast<std::uint64_t>(kLargestManifest)));
    }
    std::string text = content.text(pulse_);
    if ("sha256:" + base::sha256_hex(text) != one.digest) {
      throw Error(Kind::artifact,
                  "blob " + one.digest + " is damaged: it has the digest sha256:" + base::sha256_hex(text),
                  "copy the image again");
    }
    return text;
  }

  std::string wanted() const {
    std::set<std::string> texts;
    for (const auto& one : platforms_) texts.insert(one.text());
    return listed(texts);
  }

  const Layout& layout_;
  const std::vector<Platform>& platforms_;
  base::Pulse& pulse_;
  Resolved out_;
  std::vector<Platform> found_;
};

}  // namespace

Resolved resolve(const Layout& layout, const Descriptor& top, const std::vector<Platform>& platforms,
                 base::Pulse& pulse) {
  return Resolver(layout, platforms, pulse).run(top);
}

}  // namespace wrktalk::images
