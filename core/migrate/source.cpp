// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/source.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string>

namespace wrktalk::migrate {
namespace {

constexpr std::size_t kLongestExcerpt = 160;  // bytes

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// Bytes in front of the character with this index.
std::size_t byte_offset(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (starts_character(text[at]) && characters-- == 0) break;
  }
  return at;
}

struct Place {
  std::size_t line = 1;
  std::size_t column = 1;   ///< in characters
  std::string_view before;  ///< the line up to the place
  std::string_view after;
};

Place place_of(std::string_view sql, std::size_t character) {
  const std::size_t offset = byte_offset(sql, character);
  Place place;
  std::size_t start = 0;
  for (std::size_t end = sql.find('\n'); end < offset; end = sql.find('\n', start)) {
    start = end + 1;
    ++place.line;
  }
  place.before = sql.substr(start, offset - start);
  place.after = sql.substr(offset, sql.find('\n', offset) - offset);
  for (const char c : place.before) place.column += starts_character(c) ? 1 : 0;
  return place;
}

/// The line and a caret under the place; a very long line is cut on both sides.
std::string excerpt(const Place& place) {
  std::string_view before = place.before;
  if (before.size() > kLongestExcerpt / 2) {
    before.remove_prefix(before.size() - kLongestExcerpt / 2);
    while (!before.empty() && !starts_character(before.front())) before.remove_prefix(1);
  }
  std::string_view after = place.after;
  if (after.size() > kLongestExcerpt / 2) after = after.substr(0, kLongestExcerpt / 2);
  std::string blanks;
  for (const char c : before) {
    if (starts_character(c)) blanks += c == '\t' ? '\t' : ' ';
  }
  while (!after.empty() && after.back() == '\r') after.remove_suffix(1);
  const std::string number = std::to_string(place.line);
  return "\n  " + number + " | " + base::scrub_utf8(before) + base::scrub_utf8(after) + "\n  " +
         std::string(number.size(), ' ') + " | " + blanks + "^";
}

}  // namespace

db::SqlError located(const db::raw::ScriptError& error, const Script& script, std::string_view sent_before) {
  std::string text = script.file;
  std::string shown;
  const auto skipped =
      static_cast<std::size_t>(std::count_if(sent_before.begin(), sent_before.end(), starts_character));
  if (error.position > skipped) {
    const Place place = place_of(script.sql, error.position - skipped - 1);
    text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    shown = excerpt(place);
  }
  text += ": " + base::one_line(error.message) + " (SQLSTATE " + error.sqlstate() + ")" + shown;
  if (!error.detail.empty()) text += "\n  detail: " + base::one_line(error.detail);
  if (!error.server_hint.empty()) text += "\n  hint of the server: " + base::one_line(error.server_hint);
  const bool needs_none = error.sqlstate() == "25001" && script.transactional;
  return {error.kind(), text, error.sqlstate(),
          needs_none ? "make `-- wrktalk: no-transaction` the first line of the file" : error.hint()};
}

}  // namespace wrktalk::migrate
