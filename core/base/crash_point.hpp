// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef WRKTALK_CRASH_POINTS
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#endif

namespace wrktalk::base {

/// In test builds: the process kills itself here when WRKTALK_CRASH_AT names this point; when WRKTALK_HOLD_AT does, it makes the file that
/// WRKTALK_HOLD_FILE names and stands still until that is removed. Nothing in what is shipped.
inline void crash_point([[maybe_unused]] const char* name) noexcept {
#ifdef WRKTALK_CRASH_POINTS
  constexpr unsigned kLookAgainMicroseconds = 10'000;
  const auto is_named_by = [name](const char* variable) {
    const char* wanted = std::getenv(variable);
    return wanted != nullptr && std::string_view(wanted) == name;
  };
  if (is_named_by("WRKTALK_CRASH_AT")) std::raise(SIGKILL);
  const char* file = std::getenv("WRKTALK_HOLD_FILE");
  if (file == nullptr || !is_named_by("WRKTALK_HOLD_AT")) return;
  ::close(::open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  while (::access(file, F_OK) == 0) ::usleep(kLookAgainMicroseconds);
#endif
}

}  // namespace wrktalk::base
