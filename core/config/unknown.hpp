// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::config {

/// The variable that names the config file; no setting of its own.
constexpr const char* kFileVariable = "WRKTALK_AGENT_CONFIG";

/// A variable that looks like a setting and is none: nothing reads it.
struct UnknownVariable {
  std::string name;
  std::optional<std::string> meant;  ///< the nearest one that is a setting
};

/// The WRKTALK_AGENT_* variables of an environment that are no settings, sorted. What Kubernetes sets in every pod for a Service that is named
/// wrktalk-agent is left out.
std::vector<UnknownVariable> unknown_variables(const std::map<std::string, std::string>& environment);

/// "WRKTALK_AGENT_X is no setting: did you mean WRKTALK_AGENT_Y?"
std::string to_text(const UnknownVariable& unknown);

}  // namespace wrktalk::config
