// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/config/file.hpp"
#include "core/config/scanner.hpp"

#include <algorithm>

namespace wrktalk::config {
namespace {

constexpr const char* kQuoteIt = "put the value into single quotes";

void single_quoted(Scanner& in, std::string& out) {
  while (!in.take('\'')) {
    if (in.done()) in.refuse("a quote is not closed");
    out += in.next();
  }
}

void double_quoted(Scanner& in, std::string& out) {
  while (!in.take('"')) {
    if (in.done()) in.refuse("a quote is not closed");
    const char c = in.next();
    if (c == '$' || c == '`') in.refuse("a shell would expand this value", kQuoteIt);
    if (c != '\\') {
      out += c;
      continue;
    }
    const char following = in.next();
    if (following == '\n') continue;
    if (following != '$' && following != '`' && following != '"' && following != '\\') out += '\\';
    out += following;
  }
}

/// A shell word: bare, 'single', "double" and \-escaped parts without blanks between them.
std::string shell_word(Scanner& in) {
  static constexpr std::string_view kSpecial = "$`;&|<>()*?[]{}~!";
  std::string out;
  for (;;) {
    if (in.done() || in.peek() == '\n' || in.peek() == ' ' || in.peek() == '\t' || in.peek() == '\r') return out;
    const char c = in.next();
    if (c == '\'') {
      single_quoted(in, out);
    } else if (c == '"') {
      double_quoted(in, out);
    } else if (c == '\\') {
      if (in.done()) in.refuse("the file ends in a backslash");
      const char following = in.next();
      if (following != '\n') out += following;
    } else if (kSpecial.find(c) != std::string_view::npos) {
      in.refuse("a shell would give this value a meaning of its own", kQuoteIt);
    } else {
      out += c;
    }
  }
}

}  // namespace

std::map<std::string, std::string> parse_pg_env(std::string_view text, const std::string& path,
                                                const std::vector<std::string>& allowed) {
  std::map<std::string, std::string> variables;
  Scanner in(text, path);
  if (text.find('\0') != std::string_view::npos) in.refuse("the file is not text");
  for (;;) {
    in.skip_blanks();
    if (in.done()) return variables;
    if (in.take('\n')) continue;
    if (in.peek() == '#') {
      in.skip_line();
      continue;
    }
    std::string name = in.word("_");
    if (name == "export") {
      in.skip_blanks();
      name = in.word("_");
    }
    if (name.empty() || !in.take('='))
      in.refuse("this is no assignment", "only lines like export PGHOST=\"...\" are read");
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      in.refuse(name + " cannot be set here", "only these can: " + base::join(allowed, ", "));
    }
    variables[name] = shell_word(in);
    in.end_of_line();
  }
}

}  // namespace wrktalk::config
