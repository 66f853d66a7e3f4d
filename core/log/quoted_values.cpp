// SPDX-License-Identifier: Apache-2.0
#include "core/log/quoted_values.hpp"

#include "core/log/quotes.hpp"

#include <algorithm>

namespace wrktalk::log {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t kLongestShown = 100;

bool is_of_type(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.*&[] ").find(c) != npos;
}

/// Behind the brace that closes the one at `at`, strings passed over; npos when none does.
std::size_t behind_object(std::string_view text, std::size_t at) {
  const std::size_t first_quote = text.find('"', at);
  const std::size_t level = first_quote == npos ? 0 : slashes_before(text, first_quote);
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && slashes_before(text, i) == level) in_string = !in_string;
    if (in_string) continue;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return i + 1;
  }
  return npos;
}

/// Where the object begins that is quoted at `at`: `{`, `[{`, `core.PodSpec{`, `map[string]interface {}{`; npos for another value.
std::size_t object_begin(std::string_view line, std::size_t at) {
  if (at + 1 < line.size() && line[at] == '[' && line[at + 1] == '{') return at;
  std::size_t open = at;
  while (open < line.size() && is_of_type(line[open])) ++open;
  if (line.compare(open, 3, "{}{") == 0) open += 2;
  return open < line.size() && line[open] == '{' ? open : npos;
}

/// Of a field error: behind "Invalid value: ".
bool find_object(std::string_view line, std::size_t at, Spans& spans) {
  if (const std::size_t inside = skip_quote(line, at); inside != at) {
    const std::size_t end = std::min(find_quote(line, inside, line[inside - 1], inside - at - 1), line.size());
    const std::string_view value = line.substr(inside, end - inside);
    if (value.find('{') == npos && value.size() <= kLongestShown) return false;
    spans.push_back({at, inside, end});
    return end == line.size();
  }
  const std::size_t begin = object_begin(line, at);
  if (begin == npos) return false;
  const std::size_t end = std::min(behind_object(line, begin), line.size());
  spans.push_back({at, at, end});
  return end == line.size();
}

/// 'VALUE' or `VALUE` at `at`.
void find_quoted(std::string_view line, std::size_t at, Spans& spans) {
  if (at >= line.size() || (line[at] != '\'' && line[at] != '`')) return;
  std::size_t end = line.rfind(line[at] == '`' ? "` into " : "' does not ");
  if (end == npos && line[at] == '\'') end = line.rfind("' is not ");
  if (end != npos && end > at) spans.push_back({at, at + 1, end});
}

}  // namespace

bool find_quoted_values(std::string_view line, Spans& spans) {
  bool is_open = false;
  for (const std::string_view label : {"Invalid value: ", "Duplicate value: ", "Unsupported value: "}) {
    for (std::size_t at = line.find(label); at != npos; at = line.find(label, at)) {
      at += label.size();
      is_open = find_object(line, at, spans) || is_open;
    }
  }
  if (const std::size_t at = line.find("- at '/"); at != npos) {
    if (const std::size_t end = line.find("': ", at + 7); end != npos) find_quoted(line, end + 3, spans);
  }
  if (const std::size_t at = line.find("cannot unmarshal !!"); at != npos) {
    if (const std::size_t quote = line.find('`', at); quote != npos) find_quoted(line, quote, spans);
  }
  return is_open;
}

}  // namespace wrktalk::log
