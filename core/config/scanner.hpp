// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wrktalk::config {

/// Walks over a small text and knows the line it is on. For the parser of pg_env.sh alone.
class Scanner {
 public:
  Scanner(std::string_view text, std::string path) : text_(text), path_(std::move(path)) {}

  bool done() const noexcept { return at_ == text_.size(); }
  char peek() const noexcept { return done() ? '\0' : text_[at_]; }
  char next() noexcept;
  bool take(char wanted) noexcept;
  void skip_blanks() noexcept;  ///< spaces, tabs and carriage returns
  void skip_line() noexcept;    ///< up to and with the line's end
  /// A run of letters, digits and characters of `more`; may be empty.
  std::string word(std::string_view more);
  /// What must follow a complete statement: blanks, perhaps a comment, the line's end.
  void end_of_line();

  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const;

 private:
  std::string_view text_;
  std::string path_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace wrktalk::config
