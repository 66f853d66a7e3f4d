// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace wrktalk::secrets {

/// Whose token it is, for whom, and whether its time is over, for an error's text: "system:serviceaccount:shop:agent,
/// audience vault, expired 3 min 20 s ago". Nothing is verified; "no JWT" when it is none.
std::string describe_jwt(std::string_view token, std::chrono::system_clock::time_point now);

}  // namespace wrktalk::secrets
