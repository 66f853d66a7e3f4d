// SPDX-License-Identifier: Apache-2.0
#include "core/images/reference.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cctype>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLongestRepository = 255;
constexpr std::size_t kLongestTag = 128;

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  std::string shown = base::one_line(base::scrub_utf8(text));
  if (shown.size() > 80) shown = shown.substr(0, 80) + "...";
  throw Error(Kind::artifact, "\"" + shown + "\" is no image reference: " + why,
              "write it as [REGISTRY/]REPOSITORY[:TAG][@sha256:DIGEST]");
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Letters and digits, with single '.', one or two '_' or any number of '-' between them.
bool is_component(const std::string& text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_lower_or_digit(text[at])) continue;
    const std::size_t end = text.find_first_not_of(text[at], at);
    const std::size_t length = end - at;
    const bool good = (text[at] == '.' && length == 1) || (text[at] == '_' && length <= 2) || text[at] == '-';
    if (!good || !is_lower_or_digit(text[end])) return false;
    at = end;
  }
  return true;
}

bool is_registry(const std::string& text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  const std::string host = text.substr(0, colon);
  const std::string port = colon == std::string::npos ? "0" : text.substr(colon + 1);
  const auto all = [](const std::string& part, auto&& good) {
    return !part.empty() && std::all_of(part.begin(), part.end(), good);
  };
  if (!all(port, [](char c) { return c >= '0' && c <= '9'; })) return false;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return all(host.substr(1, host.size() - 2),
               [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':'; });
  }
  return all(host, [](char c) { return (is_word(c) && c != '_') || c == '-' || c == '.'; }) && host.front() != '-' &&
         host.front() != '.';
}

bool names_registry(const std::string& first) {
  return first.find_first_of(".:") != std::string::npos || first == "localhost" ||
         std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// As Docker completes it.
std::string complete(const std::string& text, const std::string& repository) {
  const std::size_t slash = repository.find('/');
  std::string registry = "docker.io";
  std::string path = repository;
  if (slash != std::string::npos && names_registry(repository.substr(0, slash))) {
    registry = repository.substr(0, slash);
    path = repository.substr(slash + 1);
    if (!is_registry(registry)) refuse(text, "its registry has characters that no host has");
  }
  if (registry == "index.docker.io") registry = "docker.io";
  for (const auto& part : base::split(path, '/')) {
    if (!is_component(part))
      refuse(text, "its repository has other characters than small letters, digits, and . _ - between them");
  }
  if (registry == "docker.io" && path.find('/') == std::string::npos) path.insert(0, "library/");
  return registry + "/" + path;
}

}  // namespace

bool is_digest(const std::string& text) {
  constexpr std::size_t kPrefix = 7;
  return text.size() == kPrefix + 64 && base::starts_with(text, "sha256:") &&
         text.find_first_not_of("0123456789abcdef", kPrefix) == std::string::npos;
}

Reference parse_reference(const std::string& text) {
  Reference out;
  std::string rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string::npos) {
    out.digest = rest.substr(at + 1);
    rest.resize(at);
    if (!is_digest(out.digest)) refuse(text, "what follows @ is no sha256 digest");
  }
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos && rest.find('/', colon) == std::string::npos) {
    out.tag = rest.substr(colon + 1);
    rest.resize(colon);
    if (out.tag.size() > kLongestTag) {
      refuse(text, "its tag has " + std::to_string(out.tag.size()) + " characters, " + std::to_string(kLongestTag) +
                       " are allowed");
    }
    const bool good =
        !out.tag.empty() && is_word(out.tag.front()) &&
        std::all_of(out.tag.begin(), out.tag.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
    if (!good) refuse(text, "its tag has other characters than letters, digits, and _ . -");
  } else if (out.digest.empty()) {
    out.tag = "latest";
  }
  if (rest.size() > kLongestRepository) {
    refuse(text, "its repository has " + std::to_string(rest.size()) + " characters, " +
                     std::to_string(kLongestRepository) + " are allowed");
  }
  out.repository = complete(text, rest);
  return out;
}

}  // namespace wrktalk::images
