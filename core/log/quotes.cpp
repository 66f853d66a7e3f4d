// SPDX-License-Identifier: Apache-2.0
#include "core/log/quotes.hpp"

namespace wrktalk::log {
namespace {

constexpr auto npos = std::string_view::npos;

}  // namespace

std::size_t slashes_before(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (count < at && text[at - count - 1] == '\\') ++count;
  return count;
}

std::size_t skip_quote(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] == '\\') ++end;
  if (end >= text.size() || (text[end] != '"' && text[end] != '\'' && text[end] != '`')) return at;
  return end + 1;
}

std::size_t find_quote(std::string_view text, std::size_t from, char quote, std::size_t slashes) {
  for (std::size_t at = text.find(quote, from); at != npos; at = text.find(quote, at + 1)) {
    std::size_t before = 0;
    while (at - before > from && text[at - before - 1] == '\\') ++before;
    // Escaped once more than the quote that opened: it belongs to the text.
    if (before % (2 * (slashes + 1)) != slashes) continue;
    if (quote == '\'' && slashes == 0 && at + 1 < text.size() && text[at + 1] == quote) {  // YAML writes it twice
      ++at;
      continue;
    }
    return at - slashes;
  }
  return npos;
}

bool is_in_string(std::string_view text, std::size_t at) {
  bool inside = false;
  for (std::size_t i = text.find('"'); i != npos && i < at; i = text.find('"', i + 1)) {
    if (slashes_before(text, i) % 2 == 0) inside = !inside;
  }
  return inside;
}

std::size_t find_bracket(std::string_view text, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']' && --depth == 0) return i;
  }
  return npos;
}

}  // namespace wrktalk::log
