// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/policy.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What Kubernetes objects would do, as helm renders them.
namespace wrktalk::deploy::manifest {

/// The rules that a chart can break.
const std::vector<policy::Rule>& rules();

/// All objects of a text of YAML documents, lists of them too. A pod's specification is found wherever it stands, in custom resources as well.
/// `namespace_` is the release's own. Throws Error(artifact) for what is no YAML.
policy::Findings judge(std::string_view text, const std::string& namespace_, const policy::Policy& policy);

}  // namespace wrktalk::deploy::manifest
