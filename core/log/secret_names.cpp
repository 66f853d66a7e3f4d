// SPDX-License-Identifier: Apache-2.0
#include "core/log/secret_names.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace wrktalk::log {
namespace {

using namespace std::string_view_literals;

// A part that contains one of these, whatever it is glued to.
constexpr std::array kPasswords = {"password"sv, "passwd"sv, "passphrase"sv, "passwort"sv};
constexpr std::array kSecrets = {"secret"sv, "token"sv,      "credential"sv, "jwt"sv,
                                 "apikey"sv, "privatekey"sv, "accesskey"sv,  "connstr"sv};
// A part that is one of these, or ends with it.
constexpr std::array kPasswordEnds = {"pass"sv, "pwd"sv};
constexpr std::array kSecretEnds = {"auth"sv, "dsn"sv, "creds"sv};
constexpr std::array kHeaders = {"authorization"sv, "cookie"sv};
// Words that end so and mean something else.
constexpr std::array kOtherWords = {"bypass"sv,   "compass"sv,   "surpass"sv,  "trespass"sv,
                                    "overpass"sv, "tokenizer"sv, "tokenize"sv, "secretary"sv};
// What a part "key" belongs to when it opens nothing.
constexpr std::array kHarmlessKeys = {"public"sv, "topology"sv, "primary"sv, "foreign"sv, "partition"sv,
                                      "sort"sv,   "group"sv,    "merge"sv,   "map"sv,     "label"sv,
                                      "cache"sv,  "index"sv,    "object"sv,  "patch"sv,   "idempotency"sv};
// Ends of a name that speaks of a secret and does not hold it.
constexpr std::array kAbout = {
    "file"sv,    "files"sv,     "path"sv,   "dir"sv,      "directory"sv, "folder"sv,     "name"sv,
    "names"sv,   "ref"sv,       "refs"sv,   "type"sv,     "mode"sv,      "ttl"sv,        "size"sv,
    "length"sv,  "count"sv,     "kind"sv,   "expiry"sv,   "expires"sv,   "expiration"sv, "url"sv,
    "uri"sv,     "host"sv,      "port"sv,   "issuer"sv,   "stdin"sv,     "class"sv,      "provider"sv,
    "method"sv,  "policy"sv,    "age"sv,    "timeout"sv,  "limit"sv,     "enabled"sv,    "required"sv,
    "service"sv, "server"sv,    "format"sv, "version"sv,  "algorithm"sv, "endpoint"sv,   "mount"sv,
    "mounts"sv,  "namespace"sv, "exists"sv, "rotation"sv, "created"sv,   "audience"sv,   "audiences"sv};
// A last part that says nothing of its own.
constexpr std::array kValues = {"value"sv,  "values"sv, "data"sv,    "plain"sv, "plaintext"sv, "text"sv,
                                "string"sv, "raw"sv,    "current"sv, "old"sv,   "new"sv};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Words>
bool is_one_of(std::string_view text, const Words& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

template <typename Words>
bool contains_one(std::string_view text, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string_view::npos; });
}

template <typename Words>
bool ends_with_one(std::string_view text, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return base::ends_with(text, word); });
}

/// In lower case: "dbPassword" has two, "DB_PASSWORD" too, "APIKey" is "api" and "key".
std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_upper(c) && !is_lower(c) && !is_digit(c)) {
      if (!parts.back().empty()) parts.emplace_back();
      continue;
    }
    const bool starts_hump = is_upper(c) && i > 0 && (is_lower(name[i - 1]) || is_digit(name[i - 1]));
    const bool ends_capitals =
        is_upper(c) && i > 0 && is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1]);
    if ((starts_hump || ends_capitals) && !parts.back().empty()) parts.emplace_back();
    parts.back() += is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

NameKind kind_of_part(const std::string& part) {
  if (is_one_of(part, kOtherWords)) return NameKind::none;
  if (ends_with_one(part, kHeaders)) return NameKind::header;
  if (contains_one(part, kPasswords) || ends_with_one(part, kPasswordEnds)) return NameKind::password;
  if (contains_one(part, kSecrets) || ends_with_one(part, kSecretEnds)) return NameKind::secret;
  return NameKind::none;
}

/// "key" alone is what every list of pairs calls its names.
bool is_secret_key(const std::vector<std::string>& parts, std::size_t i) {
  if (parts[i] != "key" && parts[i] != "keys") return false;
  return i > 0 && !is_one_of(parts[i - 1], kHarmlessKeys) && parts[i - 1].size() > 1;
}

}  // namespace

NameKind kind_of_name(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  if (name.size() > kLongest || name == "PWD" || name == "OLDPWD") return NameKind::none;
  if (name == "KEY") return NameKind::secret;
  auto parts = parts_of(name);
  const auto says_nothing = [](const std::string& part) {
    return is_one_of(part, kValues) || std::all_of(part.begin(), part.end(), is_digit);
  };
  while (parts.size() > 1 && says_nothing(parts.back())) parts.pop_back();
  if (parts.empty() || is_one_of(parts.back(), kAbout)) return NameKind::none;
  NameKind kind = NameKind::none;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    kind = std::max(kind, is_secret_key(parts, i) ? NameKind::secret : kind_of_part(parts[i]));
  }
  return kind;
}

}  // namespace wrktalk::log
