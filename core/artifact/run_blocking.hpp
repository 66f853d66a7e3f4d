// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <functional>

namespace wrktalk::artifact {

/// Does work that blocks in the kernel (syncfs, the removal of a tree) on a thread of its own while the pulse goes on, and
/// returns when it is done. What `work` throws passes through; what the pulse throws does too, after the work has ended.
void run_blocking(base::Pulse& pulse, const std::function<void()>& work);

}  // namespace wrktalk::artifact
