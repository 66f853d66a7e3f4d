// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/exec/run.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace wrktalk::deploy {

/// One run of the health program. `is_told`: what it prints is logged as it comes.
using TryHealth = std::function<exec::Outcome(std::chrono::milliseconds limit, bool is_told)>;

/// Tries until the program exits 0 or the time is over, with growing pauses. `tell` hears a line about each try that failed, ten seconds apart at least, with what the program
/// said when that is something new. Nothing when it is well, else the last outcome.
std::optional<exec::Outcome> await_health(const TryHealth& try_health, std::chrono::milliseconds limit,
                                          const std::function<void(const std::string&)>& tell, base::Pulse& pulse);

}  // namespace wrktalk::deploy
