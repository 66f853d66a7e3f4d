// SPDX-License-Identifier: Apache-2.0
#include "core/config/file.hpp"

#include "core/base/text.hpp"
#include "core/config/scanner.hpp"

namespace wrktalk::config {
namespace {

std::string literal(Scanner& in) {
  std::string out;
  for (;;) {
    if (in.done() || in.peek() == '\n') in.refuse("a quote is not closed");
    const char c = in.next();
    if (c == '\'') return out;
    out += c;
  }
}

std::string escaped(Scanner& in) {
  std::string out;
  for (;;) {
    if (in.done() || in.peek() == '\n') in.refuse("a quote is not closed");
    const char c = in.next();
    if (c == '"') return out;
    if (c != '\\') {
      out += c;
      continue;
    }
    switch (in.next()) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      default: in.refuse("unknown escape", "write a backslash as \\\\, or use single quotes");
    }
  }
}

/// Up to a comment, the line's end, or one of `stops`.
std::string bare(Scanner& in, std::string_view stops) {
  std::string out;
  while (!in.done() && in.peek() != '\n' && in.peek() != '#' && stops.find(in.peek()) == std::string_view::npos) {
    out += in.next();
  }
  return base::trim(out);
}

std::string scalar(Scanner& in, std::string_view stops) {
  if (in.take('"')) return escaped(in);
  if (in.take('\'')) return literal(in);
  return bare(in, stops);
}

std::string list(Scanner& in) {
  std::vector<std::string> items;
  for (;;) {
    in.skip_blanks();
    if (in.take(']')) return base::join(items, ",");
    if (in.done() || in.peek() == '\n') in.refuse("a list is not closed");
    items.push_back(scalar(in, ",]"));
    in.skip_blanks();
    const bool more = in.take(',') || in.peek() == ']' || in.peek() == '\n' || in.done();
    if (!more) in.refuse("a comma is missing in the list");
  }
}

std::string section(Scanner& in) {
  in.skip_blanks();
  const std::string name = in.word("_.-");
  in.skip_blanks();
  if (name.empty() || !in.take(']')) in.refuse("this is no section", "write it as [name]");
  in.end_of_line();
  return name + ".";
}

}  // namespace

std::map<std::string, std::string> parse_file(std::string_view text, const std::string& path) {
  std::map<std::string, std::string> keys;
  std::string prefix;
  Scanner in(text, path);
  for (;;) {
    in.skip_blanks();
    if (in.done()) return keys;
    if (in.take('\n')) continue;
    if (in.peek() == '#') {
      in.skip_line();
    } else if (in.take('[')) {
      prefix = section(in);
    } else {
      const std::string name = in.word("_.-");
      in.skip_blanks();
      if (name.empty() || !in.take('=')) in.refuse("this is no setting", "write it as key = \"value\"");
      in.skip_blanks();
      std::string value = in.take('[') ? list(in) : scalar(in, "");
      if (!keys.emplace(prefix + name, std::move(value)).second) in.refuse(prefix + name + " is set twice");
      in.end_of_line();
    }
  }
}

}  // namespace wrktalk::config
