// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <string>

namespace wrktalk::maintenance {

/// Sends one command to haproxy's runtime API and reads the answer to its end, without blank lines at its end. `address`: a unix socket's path
/// (it holds a slash), or HOST:PORT. Takes five seconds at most, driving the pulse. Throws Error(configuration) when nobody listens there,
/// Error(child) when no whole answer comes. What the answer says is the caller's to check: haproxy reports errors as text.
std::string ask_haproxy(const std::string& address, const std::string& command, base::Pulse& pulse);

}  // namespace wrktalk::maintenance
