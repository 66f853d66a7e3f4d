// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/policy.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// What a site adds to a release.
struct SiteInputs {
  std::optional<std::string> env;             ///< the text of what is stored with it
  std::string env_name = "the env file";      ///< as messages call it
  std::vector<std::string> passed_variables;  ///< patterns of names that compose may take from the agent's environment
};

struct Judgement {
  policy::Findings findings;  ///< what the policy is to decide: it is a setting of each agent
  /// "compose.yml:4: ...": what compose would change, where two sources compete. No part of a value is in them.
  std::vector<std::string> notes;
  std::vector<std::string> unused;    ///< compose.override.yaml: nobody would read it. Not to be stored
  std::vector<base::Secret> secrets;  ///< of the release's own files, and what compose's words would show of them
  std::map<std::string, std::string> files;  ///< all that compose would read, by name: enough to let it do so elsewhere
};

/// What can be told of a release from its files and the site's variables, the same when it is stored and when it is deployed. `name`: the
/// compose file. Throws Error(artifact) "FILE:LINE: ..." for what compose would refuse, or would take for something else.
Judgement judge_inputs(Files& files, const std::string& name, const SiteInputs& site, const policy::Policy& policy);

}  // namespace wrktalk::deploy::compose
