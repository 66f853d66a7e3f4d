// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"

#include <string>

namespace wrktalk::cmd {

/// Is `fd` a terminal that wants colours? Not with --no-color, NO_COLOR or TERM=dumb.
bool wants_color(int fd, bool no_color);

/// "wrktalk: error: MESSAGE" and, when there is one, "hint: HINT", on stderr; secrets masked. A message may have several
/// lines, a hint is one.
void print_error(const std::string& message, const std::string& hint, bool no_color);

/// Everything written to stdout is out. False when it could not be written, unless the reader has gone.
bool flush_stdout();

/// USER@HOST, for the audit.
std::string requested_by();

}  // namespace wrktalk::cmd
