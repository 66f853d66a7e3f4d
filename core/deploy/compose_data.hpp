// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/containers.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/trees.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// What lies in a release's tree and is not of its archive is data, and so is what lies at the paths of `keep`, below the folder of the compose file, whatever the archive brings there: `./data` that a container mounts. Moves it from the tree that ran last into the one that `place` leads into, before that is brought up; nothing when it leads elsewhere.
/// `now` are the project's containers: one that would lose sight of what is moved is stopped before. A container that mounts the moved folder itself goes on
/// with it. Returns a sentence for people; empty when there is no data. Throws Error(failed), StepError.
std::string carry_data(const Trees& trees, const std::string& place, const std::vector<std::string>& keep,
                       const Containers& now, const Engine& engine, std::chrono::milliseconds timeout,
                       base::Pulse& pulse);

}  // namespace wrktalk::deploy::compose
