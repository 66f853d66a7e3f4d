// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <string>

namespace wrktalk::maintenance {

/// Runs an operator's program without arguments, half a minute at most; WRKTALK_MAINTENANCE is `on` or `off` in its environment, which holds
/// little else. Its output is logged (event maintenance.output). Throws Error(configuration) when it cannot be started or another user
/// could exchange it, Error(child) when it fails.
void run_program(const std::string& program, bool on, base::Pulse& pulse);

}  // namespace wrktalk::maintenance
