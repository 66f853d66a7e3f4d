// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/doctor/check.hpp"
#include "core/exec/run.hpp"

#include <string>
#include <vector>

namespace wrktalk::doctor {

/// Runs a program that only answers, for ten seconds at most.
exec::Outcome ask(const std::vector<std::string>& argv, const Look& look);
bool is_good(const exec::Outcome& outcome) noexcept;
/// Why it was not good, on one line.
std::string why(const exec::Outcome& outcome);
std::string first_line(const exec::Outcome& outcome);

}  // namespace wrktalk::doctor
