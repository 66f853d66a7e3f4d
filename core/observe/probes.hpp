// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/status.hpp"

#include <chrono>
#include <string>

namespace wrktalk::observe {

/// How often the loop ticks at the least, whatever it waits for.
constexpr std::chrono::seconds kBeat{5};
/// A loop that has not ticked for this long hangs, or has waited as long for one answer: of a server that takes a statement and falls silent
/// (tcp_user_timeout ends that), of a name server, or of several hosts that are all silent (10 seconds each).
constexpr std::chrono::seconds kLongestSilence{60};

struct Answer {
  int status = 200;
  std::string body;  ///< plain text, a line each
};

/// Whether the loop's last tick is recent enough; what to say when it is not. Empty: it is.
std::string late_tick(base::BootClock::duration age, std::chrono::milliseconds allowed);

/// /livez: 200 as long as the main loop is alive, whatever the database does.
Answer livez(const Status& status, base::BootClock::time_point now);
/// /readyz: 200 when a task that came now would be run.
Answer readyz(const Status& status, base::BootClock::time_point now);

}  // namespace wrktalk::observe
