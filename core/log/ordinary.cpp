// SPDX-License-Identifier: Apache-2.0
#include "core/log/ordinary.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace wrktalk::log {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_in_word(char c) { return is_upper(c) || is_lower(c) || is_digit(c); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (is_upper(c)) c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

bool is_word(const std::string& text) {
  static const std::unordered_set<std::string_view> kWords = [] {
    std::unordered_set<std::string_view> words;
    const std::string_view all = kOrdinaryWords;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = all.find(' ', at);
      words.insert(all.substr(at, end - at));
      at = end + 1;
    }
    return words;
  }();
  return kWords.count(text) != 0;
}

/// "IfNotPresent": each part begins with a capital letter. Parts of two letters need not be in the list.
bool is_made_of_words(std::string_view text) {
  constexpr std::size_t kShort = 3;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && !is_upper(text[end])) ++end;
    const std::string part = lower(text.substr(at, end - at));
    if (part.size() > kShort && !is_word(part)) return false;
    at = end;
  }
  return true;
}

}  // namespace

bool is_ordinary(std::string_view value) {
  const std::size_t colon = value.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = value.substr(colon + 1);
    if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    value = value.substr(0, colon);
  }
  // Years and ports.
  if (value.size() == 4 && std::all_of(value.begin(), value.end(), is_digit)) return true;
  if (is_word(lower(value))) return true;
  if (value.empty() || !std::all_of(value.begin(), value.end(), [](char c) { return is_upper(c) || is_lower(c); }))
    return false;
  return is_upper(value.front()) && std::any_of(value.begin(), value.end(), is_lower) && is_made_of_words(value);
}

bool is_inside_of_a_word(std::string_view text, std::size_t begin, std::size_t end) {
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end),
                   is_in_word))
    return false;
  std::size_t first = begin;
  std::size_t last = end;
  while (first > 0 && is_in_word(text[first - 1])) --first;
  while (last < text.size() && is_in_word(text[last])) ++last;
  return last - first > end - begin && is_word(lower(text.substr(first, last - first)));
}

}  // namespace wrktalk::log
