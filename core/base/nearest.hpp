// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::base {

/// The candidate that `word` was most likely meant to be: the fewest letters to add, drop, change or swap, and no more
/// than a third of the word (at least one). Nothing when none comes that near. For "did you mean".
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace wrktalk::base
