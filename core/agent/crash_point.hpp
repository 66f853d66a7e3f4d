// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef WRKTALK_CRASH_POINTS
#include <csignal>
#include <cstdlib>
#include <string_view>
#endif

namespace wrktalk::agent {

/// In test builds: the process kills itself here when WRKTALK_CRASH_AT names this point. Nothing in what is shipped.
inline void crash_point([[maybe_unused]] const char* name) noexcept {
#ifdef WRKTALK_CRASH_POINTS
  const char* wanted = std::getenv("WRKTALK_CRASH_AT");
  if (wanted != nullptr && std::string_view(wanted) == name) std::raise(SIGKILL);
#endif
}

}  // namespace wrktalk::agent
