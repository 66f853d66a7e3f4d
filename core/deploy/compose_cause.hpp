// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/containers.hpp"

#include <string>

namespace wrktalk::deploy::compose {

/// What compose says of why it failed, out of all that it printed, on one line, redacted: v1 ends with a line that is the same for every failure, and
/// both tell of a pull without saying of what.
std::string cause(const std::string& stderr_text);

/// The containers that did not do what they should, by service: "service mig exited with status 7 (container shop-mig-1)". Those that were
/// never started are left out: they wait for the others. Empty when all are well.
std::string failed_services(const Containers& containers);

}  // namespace wrktalk::deploy::compose
