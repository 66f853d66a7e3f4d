// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/goal.hpp"
#include "core/agent/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// One thing that was looked at before a task would run.
struct Finding {
  enum class Weight {
    good,
    warning,  ///< it may work all the same
    bad,      ///< the task would fail
  };
  Weight weight = Weight::good;
  std::string text;
  std::string hint{};
};

/// What a task would do, and whether it can.
struct DeployCheck {
  std::optional<ResolvedRelease> goal{};  ///< empty when there is none; a finding says why
  std::vector<Finding> findings{};
  bool possible() const noexcept;
};

/// Looks at the target, the stored release and what the target itself holds, and changes nothing; `task` is not queued.
/// The release's bytes are read once. Throws what ends the program: connection_lost, a signal.
DeployCheck check_deploy(const Settings& settings, const queue::NewTask& task, base::Pulse& pulse);

}  // namespace wrktalk::agent
