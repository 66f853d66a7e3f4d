// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"

#include <iosfwd>
#include <memory>
#include <streambuf>
#include <string>

namespace wrktalk::cmd {

/// As long as it lives, nothing hidden (base/visible.hpp) goes through `stream`: what came from a row, a tool, an archive or a person cannot steer
/// the terminal, whichever printer shows it. What JSON prints means the same as before.
class VisibleOutput {
 public:
  explicit VisibleOutput(std::ostream& stream);
  VisibleOutput(const VisibleOutput&) = delete;
  VisibleOutput& operator=(const VisibleOutput&) = delete;
  ~VisibleOutput();

 private:
  std::ostream& stream_;
  std::streambuf* target_;
  std::unique_ptr<std::streambuf> buffer_;
};

/// Is `fd` a terminal that wants colours? Not with --no-color, NO_COLOR or TERM=dumb.
bool wants_color(int fd, bool no_color);

/// "wrktalk: error: MESSAGE" and, when there is one, "hint: HINT", on stderr; secrets masked. A message may have several
/// lines, a hint is one.
void print_error(const std::string& message, const std::string& hint, bool no_color);

/// Everything written to stdout is out. False when it could not be written, unless the reader has gone.
bool flush_stdout();

bool is_terminal(int fd);
/// One line from a terminal, which does not show it.
std::string ask_secretly(const std::string& what);

/// USER@HOST, for the audit.
std::string requested_by();

}  // namespace wrktalk::cmd
