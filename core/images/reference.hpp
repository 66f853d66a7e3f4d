// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::images {

/// "sha256:" and 64 lower-case hexadecimal digits.
bool is_digest(const std::string& text);

/// An image's name: "shop:1", "registry.example.org/shop/web@sha256:...".
/// https://github.com/distribution/reference
struct Reference {
  std::string repository;  ///< with its registry: "docker.io/library/alpine"
  std::string tag;         ///< "latest" where neither a tag nor a digest is named
  std::string digest;      ///< or empty

  /// The repository and its tag, whoever wrote it: "docker.io/library/alpine:3". Empty without a tag.
  std::string name() const { return tag.empty() ? std::string() : repository + ":" + tag; }
};

/// Throws Error(artifact) for what is too long or holds other characters.
Reference parse_reference(const std::string& text);

}  // namespace wrktalk::images
