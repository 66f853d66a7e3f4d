// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace wrktalk::base {

/// Whether a release's version is safe as a path part, an argument and a label: [A-Za-z0-9][A-Za-z0-9._+-]{0,99}.
bool is_version(std::string_view text) noexcept;

/// What `is_version` takes, in words for a hint.
inline constexpr const char* kVersionRule =
    "a version begins with a letter or digit and holds at most 100 of A-Z a-z 0-9 . _ + -";

}  // namespace wrktalk::base
