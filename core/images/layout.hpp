// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/manifest.hpp"
#include "core/images/source_files.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::images {

/// Where the bytes of a blob are to be had.
class Content {
 public:
  enum class Digest { claimed, computed };

  Content(std::shared_ptr<const SourceFiles> files, std::string name, std::int64_t size, Digest digest)
      : files_(std::move(files)), name_(std::move(name)), size_(size), digest_(digest) {}
  explicit Content(std::string text)
      : text_(std::move(text)), size_(static_cast<std::int64_t>(text_.size())), digest_(Digest::computed) {}

  std::int64_t size() const noexcept { return size_; }
  /// Whether its digest was computed from it, or is what the layout calls it.
  Digest digest() const noexcept { return digest_; }
  void read(const std::function<void(std::string_view)>& sink, base::Pulse& pulse) const;
  /// All of it. Throws Error(artifact) above kLargestManifest.
  std::string text(base::Pulse& pulse) const;

 private:
  std::shared_ptr<const SourceFiles> files_;  ///< none: `text_` is all
  std::string name_;
  std::string text_;
  std::int64_t size_;
  Digest digest_;
};

/// An image as a layout offers it.
struct Offer {
  Descriptor top;        ///< its manifest or index
  std::string name;      ///< its reference there; may be empty
  std::string tag_only;  ///< instead of a reference, what is a tag or nothing
};

/// Images that lie in a folder or an archive: OCI layouts, what `docker save` writes, skopeo's dir:, also several below each other.
class Layout {
 public:
  /// Throws Error(artifact) when there is none, or an index or manifest.json that cannot be read; Error(failed) for a path that cannot.
  Layout(const std::string& path, base::Pulse& pulse);

  const std::vector<Offer>& offers() const noexcept { return offers_; }
  /// Null: it is not there.
  const Content* find(const std::string& digest) const;

 private:
  void add(const std::string& name, const std::string& folder, base::Pulse& pulse);
  void add_oci(const std::string& folder, base::Pulse& pulse);
  void add_dir(const std::string& folder, const std::string& manifest);
  void add_saved(const std::string& folder, const std::string& list, base::Pulse& pulse);
  Descriptor hashed(const std::string& name, base::Pulse& pulse);
  Descriptor made(std::string text, const std::string& media_type);

  std::shared_ptr<const SourceFiles> files_;
  std::vector<Offer> offers_;
  std::map<std::string, Content> contents_;          ///< by digest
  std::map<std::string, Descriptor> hashed_before_;  ///< by a file's identity
};

}  // namespace wrktalk::images
