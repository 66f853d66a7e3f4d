// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/compose_inputs.hpp"
#include "core/deploy/deployer.hpp"

#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// Lets compose itself read a release that was judged but is not unpacked, as a deployment's check does: `judged.files` are put into a private folder for
/// as long as it takes; no engine is needed. Adds what the policy is to decide of its answer to `judged`. False where compose is not installed.
/// `images` gets what the services run or mount, variables filled in: profiles that are off count, what is built here does not. Throws Error(artifact) with what
/// compose says.
bool try_compose(Judgement& judged, const std::string& name, const SiteInputs& site, const Settings& settings,
                 base::Pulse& pulse, std::vector<std::string>* images = nullptr);

}  // namespace wrktalk::deploy::compose
