// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/release_compose.hpp"
#include "core/deploy/helm_trial.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::cmd {

/// A chart, rendered by helm alone.
struct JudgedChart {
  deploy::helm::Trial trial;
  std::vector<std::string> images;  ///< that it names, when it was rendered
};

/// `file`: a packed chart; `values`: the text that is stored with it. Throws Error(artifact) for what no cluster would take and for what the policy refuses.
JudgedChart judge_chart(const std::string& file, const std::optional<std::string>& values, Images images,
                        const Env& env, base::Pulse& pulse);

}  // namespace wrktalk::cmd
