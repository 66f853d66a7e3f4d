// SPDX-License-Identifier: Apache-2.0
#include "core/log/named_values.hpp"

#include "core/base/text.hpp"
#include "core/log/prose.hpp"
#include "core/log/quotes.hpp"
#include "core/log/secret_names.hpp"

#include <algorithm>
#include <utility>

namespace wrktalk::log {

/// A name as it stands in a line.
struct Name {
  std::string_view text;  ///< without quotes and leading dashes
  NameKind kind = NameKind::none;
  std::size_t begin = 0;  ///< with its dashes
  std::size_t end = 0;
  bool is_option = false;    ///< begins with a dash
  bool is_quoted = false;    ///< a quote follows it
  bool begins_line = false;  ///< only indentation, a list's dash, a quote or a container's name come before it
  char separator = '\0';     ///< ':', '=', ' ' of an option, '>' of an element
};

namespace {

constexpr auto npos = std::string_view::npos;
constexpr int kPairLines = 3;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' || c == '.';
}

std::size_t skip_blanks(std::string_view line, std::size_t at) {
  for (;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    // Colours, between a name and its value.
    if (line.compare(at, 2, "\x1b[") != 0) return at;
    const std::size_t end = line.find_first_not_of("0123456789;", at + 2);
    if (end == npos || line[end] != 'm') return at;
    at = end + 1;
  }
}

std::size_t indent_of(std::string_view line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at == npos ? line.size() : at;
}

bool begins_line(std::string_view line, std::size_t at) {
  std::string_view before = line.substr(0, at);
  // Compose writes "web-1  | " before each line of a container.
  if (const std::size_t bar = before.find("| "); bar != npos && before.find(' ') < bar + 1)
    before.remove_prefix(bar + 2);
  for (const std::string_view word : {"export ", "ENV ", "Environment="}) {
    if (base::ends_with(before, word)) before.remove_suffix(word.size());
  }
  return before.find_first_not_of(" \t-+>\"'\\") == npos;
}

/// A port or a version, where a service is called "auth".
bool is_address(std::string_view value) {
  return !value.empty() && is_digit(value.front()) && (value.size() <= 5 || value.find('.') != npos) &&
         value.find_first_not_of("0123456789.") == npos;
}

/// Where a value without quotes ends.
std::size_t plain_end(std::string_view line, const Name& name, std::size_t at) {
  const auto is_end = [&](std::size_t i) { return i >= line.size() || is_blank(line[i]); };
  const auto begins_pair = [&](std::size_t i) {
    std::size_t end = i;
    while (end < line.size() && (is_of_name(line[end]) || line[end] == '"' || line[end] == '\\')) ++end;
    return end > i && end < line.size() && (line[end] == '=' || line[end] == ':');
  };
  int depth = 0;
  for (std::size_t i = at; i < line.size(); ++i) {
    const char c = line[i];
    if (is_blank(c)) return i;
    const bool closes_here = is_end(i + 1) || std::string_view(",;:)]}&|<>\\").find(line[i + 1]) != npos;
    if ((c == '"' || c == '\'' || c == '`') && closes_here) return i;
    if (c == '\\' && i + 1 < line.size() && (line[i + 1] == '"' || line[i + 1] == '\'')) return i;
    if (c == ',' || c == ';' || c == '&') {
      if (name.is_quoted || is_end(i + 1) || begins_pair(i + 1)) return i;
    }
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && --depth < 0) {
      if (name.is_quoted || closes_here || (i + 1 < line.size() && line[i + 1] == '"')) return i;
      depth = 0;
    }
  }
  return line.size();
}

/// Where the rest of a header's line ends that begins at `at`: with the string in which it stands, or with an escaped line end.
std::size_t header_end(std::string_view line, const Name& name, std::size_t at) {
  std::size_t end = std::min({line.find("\\r\\n", at), line.find("\\n", at), line.size()});
  const char before = name.begin > 0 ? line[name.begin - 1] : '\0';
  if (before == '\'') return std::min(end, find_quote(line, at, '\'', 0));
  const std::size_t slashes = before == '"' ? slashes_before(line, name.begin - 1) : 0;
  if (before == '"' || is_in_string(line, name.begin)) end = std::min(end, find_quote(line, at, '"', slashes));
  return end;
}

std::string_view rest_of(std::string_view line, std::size_t at) {
  while (line.size() > at && is_blank(line.back())) line.remove_suffix(1);
  return line.substr(at);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool names_a_pair(std::string_view text) {
  return is_one_of(text, {"name", "Name", "key", "Key", "NAME", "variable", "header", "env"});
}
bool names_a_value(std::string_view text) {
  return is_one_of(text, {"value", "Value", "VALUE", "val", "data", "plaintext", "content"});
}

}  // namespace

void NamedValues::find(std::string_view line, Spans& spans) {
  open_end_.reset();
  if (take_block(line, spans)) return;
  take_item(line, spans);
  if (pair_lines_ > 0) --pair_lines_;
  for (std::size_t at = 0; at < line.size();) {
    if (!is_of_name(line[at])) {
      ++at;
      continue;
    }
    Name name;
    name.begin = at;
    while (at < line.size() && is_of_name(line[at])) ++at;
    name.end = at;
    name.text = line.substr(name.begin, at - name.begin);
    name.is_option = name.text.front() == '-';
    while (!name.text.empty() && (name.text.front() == '-' || name.text.front() == '.')) name.text.remove_prefix(1);
    if (name.text.empty()) continue;
    name.kind = kind_of_name(name.text);
    if (name.kind == NameKind::none && pair_lines_ > 0 && names_a_value(name.text)) name.kind = NameKind::password;
    if (name.kind != NameKind::none) {
      const std::size_t found = spans.size();
      look_at(line, name, spans);
      if (spans.size() > found) at = std::max(at, spans.back().end);
    } else if (names_a_pair(name.text)) {
      look_at_pair(line, name);
    }
  }
}

/// A line of the block that a name has opened.
bool NamedValues::take_block(std::string_view line, Spans& spans) {
  if (!block_indent_) return false;
  const std::size_t indent = indent_of(line);
  if (indent < line.size() && indent <= *block_indent_) {
    block_indent_.reset();
    return false;
  }
  if (indent < line.size()) spans.push_back({0, indent, line.size()});
  open_end_ = std::string_view();
  return true;
}

/// The item behind that of an option: "- --password", and here "- hunter2".
void NamedValues::take_item(std::string_view line, Spans& spans) {
  if (!std::exchange(item_follows_, false)) return;
  std::size_t begin = line.find_first_not_of(" \t-\"'");
  std::size_t end = line.find_last_not_of(" \t\r,\"'");
  if (begin == npos || end == npos || end < begin || line.find("--") < begin) return;
  spans.push_back({0, begin, end + 1});
}

void NamedValues::look_at(std::string_view line, const Name& found, Spans& spans) {
  Name name = found;
  name.begins_line = begins_line(line, name.begin);
  std::size_t at = name.end;
  if (name.begin > 0 && line[name.begin - 1] == '<' && at < line.size() && line[at] == '>') {
    const std::size_t end = line.find("</", at);
    if (end != npos) add(line, name, at + 1, end, "<", spans);
    return;
  }
  if (const std::size_t behind = skip_quote(line, at); behind != at) {
    name.is_quoted = true;
    at = behind;
    if (at < line.size() && line[at] == ']') ++at;  // config["password"] = ...
  }
  const std::size_t next = skip_blanks(line, at);
  if (next >= line.size() || (next + 1 == line.size() && line[next] == ',')) {
    item_follows_ = name.is_option && name.begins_line;
    return;
  }
  const char c = line[next];
  const char then = next + 1 < line.size() ? line[next + 1] : '\0';
  if (c == ':' && then != ':' && line.compare(next, 3, "://") != 0) {
    name.separator = ':';
    take_value(line, name, next + (then == '=' ? 2 : 1), spans);
  } else if (c == '=' && then != '=') {
    name.separator = '=';
    take_value(line, name, next + (then == '>' ? 2 : 1), spans);
  } else if (name.is_option && c != '-' && (next > at || (name.is_quoted && c == ','))) {
    name.separator = ' ';
    take_value(line, name, next + (c == ',' ? 1 : 0), spans);
  } else if (name.kind == NameKind::password && next > at && !name.is_quoted && skip_quote(line, next) != next) {
    take_value(line, name, next, spans);  // ALTER ROLE app PASSWORD '...'
  }
}

/// "name": "DB_PASSWORD", and somewhere behind it its "value".
void NamedValues::look_at_pair(std::string_view line, const Name& name) {
  std::size_t at = skip_blanks(line, skip_quote(line, name.end));
  if (at >= line.size() || (line[at] != ':' && line[at] != '=')) return;
  at = skip_blanks(line, at + 1);
  at = skip_quote(line, at);
  std::size_t end = at;
  while (end < line.size() && is_of_name(line[end])) ++end;
  pair_lines_ = kind_of_name(line.substr(at, end - at)) == NameKind::none ? 0 : kPairLines;
}

void NamedValues::take_value(std::string_view line, const Name& name, std::size_t at, Spans& spans) {
  at = skip_blanks(line, at);
  // A tag or an anchor of YAML.
  while (at < line.size() && (line[at] == '!' || line[at] == '&')) {
    const std::size_t blank = line.find(' ', at);
    if (blank == npos || name.separator != ':') break;
    at = skip_blanks(line, blank);
  }
  if (at >= line.size()) {
    if (name.separator == ':') pair_lines_ = kPairLines;
    return;
  }
  const char c = line[at];
  const bool opens_block = name.separator == ':' && name.begins_line && (c == '|' || c == '>') &&
                           rest_of(line, at + 1).find_first_not_of("0123456789+-") == npos;
  if (opens_block) {
    const std::string_view before = line.substr(0, name.begin);
    block_indent_ = before.find_first_not_of(' ') == npos ? before.size() : indent_of(line);
    return;
  }
  if (std::string_view("buBrf$").find(c) != npos && at + 1 < line.size() &&
      (line[at + 1] == '"' || line[at + 1] == '\''))
    ++at;
  if (const std::size_t behind = skip_quote(line, at); behind != at)
    return take_quoted(line, name, at, behind - at - 1, spans);
  if (line[at] == '[') {
    const std::size_t end = find_bracket(line, at);
    return add(line, name, at + 1, std::min(end, line.size()), "]", spans);
  }
  if (line[at] == '{' || line.compare(at, 4, "map[") == 0) {
    pair_lines_ = kPairLines;
    return;
  }
  take_plain(line, name, at, spans);
}

void NamedValues::take_quoted(std::string_view line, const Name& name, std::size_t at, std::size_t slashes,
                              Spans& spans) {
  const std::size_t begin = at + slashes + 1;
  const char quote = line[begin - 1];
  const std::size_t closing = find_quote(line, begin, quote, slashes);
  if (closing == npos) return add(line, name, begin, line.size(), quote == '"' ? "\"" : "'", spans);
  const std::size_t behind = skip_quote(line, closing);
  // 'it'\''s' of a shell goes on behind the quote.
  const bool goes_on =
      slashes == 0 && behind < line.size() && line[behind] != ',' && line.compare(behind, 2, "\\'") == 0;
  add(line, name, begin, goes_on ? plain_end(line, name, behind + 2) : closing, "", spans);
}

void NamedValues::take_plain(std::string_view line, const Name& name, std::size_t at, Spans& spans) {
  std::size_t end = plain_end(line, name, at);
  if (is_no_secret(line.substr(at, end - at))) return;
  const std::string_view rest = rest_of(line, at);
  const bool spaced = name.separator == ' ' || (at > 0 && is_blank(line[at - 1]));
  if (name.separator != '=' && spaced && is_prose(rest, name.text, name.kind, name.begins_line && !name.is_option))
    return;
  const bool is_path = name.begin > 0 && line[name.begin - 1] == '/';
  if (name.separator == ':' && !spaced && !name.is_quoted && name.kind == NameKind::secret &&
      (is_path || is_address(line.substr(at, end - at))))
    return;
  if (name.kind == NameKind::header) {
    add(line, name, at, header_end(line, name, at), "", spans);
    return;
  }
  const bool is_yaml = name.separator == ':' && name.begins_line && spaced && !name.is_quoted;
  if (is_yaml && (end == line.size() || is_blank(line[end]))) end = at + rest.size();
  add(line, name, at, end, " \t", spans);
}

void NamedValues::add(std::string_view line, const Name& name, std::size_t begin, std::size_t end,
                      std::string_view ended_by, Spans& spans) {
  if (end <= begin || base::starts_with(line.substr(begin, end - begin), kMask)) return;
  if (end == line.size()) open_end_ = ended_by;
  if (names_a_value(name.text)) pair_lines_ = 0;
  spans.push_back({name.begin, begin, end});
}

}  // namespace wrktalk::log
