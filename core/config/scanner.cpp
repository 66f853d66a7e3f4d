// SPDX-License-Identifier: Apache-2.0
#include "core/config/scanner.hpp"

#include "core/base/error.hpp"

namespace wrktalk::config {

char Scanner::next() noexcept {
  const char c = peek();
  if (done()) return c;
  ++at_;
  if (c == '\n') ++line_;
  return c;
}

bool Scanner::take(char wanted) noexcept {
  if (done() || text_[at_] != wanted) return false;
  next();
  return true;
}

void Scanner::skip_blanks() noexcept {
  while (peek() == ' ' || peek() == '\t' || peek() == '\r') next();
}

void Scanner::skip_line() noexcept {
  while (!done() && next() != '\n') {
  }
}

std::string Scanner::word(std::string_view more) {
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  };
  std::string out;
  while (!done() && fits(peek())) out += next();
  return out;
}

void Scanner::end_of_line() {
  skip_blanks();
  if (peek() == '#')
    skip_line();
  else if (!done() && !take('\n'))
    refuse("there is something after the value", "put the value into quotes");
}

void Scanner::refuse(const std::string& what, const std::string& hint) const {
  throw base::Error(base::Kind::configuration, path_ + " line " + std::to_string(line_) + ": " + what, hint);
}

}  // namespace wrktalk::config
