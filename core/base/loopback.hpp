// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::base {

/// Whether a host of an address is this machine: "localhost", 127.0.0.0/8, or ::1 with or without brackets. No name is resolved.
bool is_loopback(const std::string& host);

}  // namespace wrktalk::base
