// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/record.hpp"
#include "core/agent/work.hpp"

namespace wrktalk::agent {

/// A task whose holder is gone: looks at what is really on the target, ends what was left half done, and says with which
/// row of the step table to go on. Throws lease_lost.
std::size_t take_over(Work& work);

/// A task that is not tried again: the target is put back. Returns the failure to record.
Failure give_up(Work& work);

}  // namespace wrktalk::agent
