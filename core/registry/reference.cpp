// SPDX-License-Identifier: Apache-2.0
#include "core/registry/reference.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::registry {
namespace {

using std::string_view;

constexpr string_view kDockerHub = "docker.io";
constexpr string_view kOfficial = "library/";
constexpr std::size_t kMaxRepository = 255;
constexpr std::size_t kMaxTag = 128;
constexpr string_view kDigestPrefix = "sha256:";
constexpr std::size_t kDigestDigits = 64;

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) noexcept { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

/// "." or "_" or "__" or any number of "-".
bool is_separator(string_view text) noexcept {
  return text == "." || text == "_" || text == "__" || text.find_first_not_of('-') == string_view::npos;
}

/// [a-z0-9]+ ((. | _ | __ | -+) [a-z0-9]+)*
bool is_component(string_view text) noexcept {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !is_lower_or_digit(text[end])) ++end;
    if (end > at && !is_separator(text.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

/// As Docker tells a host from the first part of a repository.
bool looks_like_host(string_view part) noexcept {
  return part == "localhost" || part.find_first_of(".:") != string_view::npos ||
         std::any_of(part.begin(), part.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_host(string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || string_view(".-:[]").find(c) != string_view::npos;
  });
}

/// "docker.io" has other names, by which its clients ask as well.
string_view canonical_host(string_view host) noexcept {
  const bool is_hub = host == "index.docker.io" || host == "registry-1.docker.io";
  return is_hub ? kDockerHub : host;
}

bool is_same_repository(const Reference& image, string_view repository) noexcept {
  if (image.repository == repository) return true;
  return image.host == kDockerHub && base::starts_with(image.repository, kOfficial) &&
         string_view(image.repository).substr(kOfficial.size()) == repository;
}

}  // namespace

bool is_repository(string_view text) noexcept {
  if (text.size() > kMaxRepository) return false;
  for (;;) {
    const std::size_t slash = text.find('/');
    if (!is_component(text.substr(0, slash))) return false;
    if (slash == string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_tag(string_view text) noexcept {
  if (text.empty() || text.size() > kMaxTag || (!is_alphanumeric(text.front()) && text.front() != '_')) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_digest(string_view text) noexcept {
  return text.size() == kDigestPrefix.size() + kDigestDigits && base::starts_with(text, kDigestPrefix) &&
         text.find_first_not_of("0123456789abcdef", kDigestPrefix.size()) == string_view::npos;
}

std::optional<Reference> parse_reference(string_view text) {
  Reference out;
  if (const std::size_t at = text.find('@'); at != string_view::npos) {
    out.digest = text.substr(at + 1);
    if (!is_digest(out.digest)) return std::nullopt;
    text = text.substr(0, at);
  }
  const std::size_t slash = text.find('/');
  if (slash != string_view::npos && looks_like_host(text.substr(0, slash))) {
    out.host = canonical_host(text.substr(0, slash));
    text.remove_prefix(slash + 1);
  } else {
    out.host = kDockerHub;
  }
  if (const std::size_t colon = text.rfind(':'); colon != string_view::npos) {
    out.tag = text.substr(colon + 1);
    if (!is_tag(out.tag)) return std::nullopt;
    text = text.substr(0, colon);
  } else if (out.digest.empty()) {
    out.tag = "latest";
  }
  out.repository = text;
  if (out.host == kDockerHub && text.find('/') == string_view::npos) out.repository.insert(0, kOfficial);
  if (!is_host(out.host) || !is_repository(out.repository)) return std::nullopt;
  return out;
}

bool is_meant(const Reference& image, string_view repository, string_view host) {
  if (!host.empty()) return image.host == canonical_host(host) && is_same_repository(image, repository);
  if (is_same_repository(image, repository)) return true;
  const std::size_t slash = repository.find('/');
  return slash != string_view::npos && image.host == canonical_host(repository.substr(0, slash)) &&
         is_same_repository(image, repository.substr(slash + 1));
}

}  // namespace wrktalk::registry
