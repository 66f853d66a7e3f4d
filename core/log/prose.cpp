// SPDX-License-Identifier: Apache-2.0
#include "core/log/prose.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace wrktalk::log {
namespace {

using Words = std::unordered_set<std::string>;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (is_upper(c)) c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find_first_of(" \t")); }

std::string_view without_stops(std::string_view word) {
  const std::size_t last = word.find_last_not_of(".,;:!?)\"'`");
  return word.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool is_word(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_letter); }

/// With what sentences about a secret begin.
bool begins_a_sentence(std::string_view word) {
  static const Words kWords = {"illegal",    "invalid",     "missing",   "required",     "not",
                               "no",         "is",          "are",       "was",          "were",
                               "has",        "have",        "must",      "may",          "can",
                               "cannot",     "can't",       "could",     "should",       "will",
                               "would",      "of",          "in",        "on",           "at",
                               "for",        "from",        "to",        "and",          "or",
                               "unknown",    "unexpected",  "expired",   "denied",       "forbidden",
                               "failed",     "failure",     "error",     "empty",        "unset",
                               "undefined",  "absent",      "wrong",     "bad",          "malformed",
                               "unable",     "too",         "expected",  "unauthorized", "permission",
                               "connection", "field",       "json",      "yaml",         "rejected",
                               "refused",    "unsupported", "incorrect", "mismatch",     "cluster",
                               "does",       "did",         "got",       "contains",     "authentication",
                               "already",    "immutable",   "resource",  "operation",    "context",
                               "timed",      "signature"};
  return kWords.count(lower(word)) != 0;
}

/// "Secret", as sentences and Kubernetes write it, not "secret", "SECRET" or "clientSecret".
bool is_capitalized(std::string_view name) {
  return name.size() > 1 && is_upper(name.front()) && std::all_of(name.begin() + 1, name.end(), is_lower);
}

bool is_variable(std::string_view value) {
  if (value.size() < 2 || value.front() != '$') return false;
  const bool braced = value[1] == '{' || value[1] == '(';
  if (braced && value.back() != (value[1] == '{' ? '}' : ')')) return false;
  const auto name = braced ? value.substr(2, value.size() - 3) : value.substr(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || c == '_' || (c >= '0' && c <= '9');
  }) && (braced || is_upper(name.front()) || name.front() == '_');
}

}  // namespace

bool is_no_secret(std::string_view value) {
  static const Words kNothing = {"", "true", "false", "null", "nil", "none", "undefined", "~", "{}", "[]", "***"};
  if (kNothing.count(lower(without_stops(value))) != 0 || base::starts_with(value, "***")) return true;
  return (value.front() == '<' && value.back() == '>') || is_variable(value);
}

bool is_prose(std::string_view rest, std::string_view name, NameKind kind, bool is_key) {
  const std::string_view first = first_word(rest);
  const std::string_view word = without_stops(first);
  if (begins_a_sentence(word)) return true;
  const bool as_key = is_key && !is_capitalized(name);
  if (as_key || kind == NameKind::header) return false;
  if (is_word(word) && base::ends_with(first, ":")) return true;  // errors in a chain
  if (kind == NameKind::password || first.size() == rest.size() || !is_word(word)) return false;
  return is_letter(rest[std::min(rest.find_first_not_of(" \t", first.size()), rest.size() - 1)]);
}

}  // namespace wrktalk::log
