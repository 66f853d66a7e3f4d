// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wrktalk::registry {

/// An image reference with Docker's defaults filled in: "nginx" is docker.io, library/nginx, latest.
struct Reference {
  std::string host;        ///< "docker.io", "registry.example.com:5000"
  std::string repository;  ///< "library/nginx"
  std::string tag;         ///< empty: by digest alone
  std::string digest;      ///< "sha256:..."; empty: by tag alone
};

/// Nothing for a text that is no reference.
std::optional<Reference> parse_reference(std::string_view text);

bool is_repository(std::string_view text) noexcept;  ///< "shop/api", at most 255 characters
bool is_tag(std::string_view text) noexcept;         ///< at most 128 characters
bool is_digest(std::string_view text) noexcept;      ///< "sha256:" and 64 lower-case hexadecimal digits

/// Whether a client that asks for `repository` means `image`. `host` is containerd's `ns`, empty when it names none: then any host's image
/// is meant, and the repository may begin with the host ("registry.example.com/shop/api").
bool is_meant(const Reference& image, std::string_view repository, std::string_view host);

}  // namespace wrktalk::registry
