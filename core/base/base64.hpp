// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wrktalk::base {

/// RFC 4648, section 4, on one line, with padding.
std::string base64(std::string_view bytes);

}  // namespace wrktalk::base
