// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/policy.hpp"
#include "core/deploy/tools.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy::helm {

/// The objects in what `upgrade --output json` printed, those of hooks too; nothing when it is something else.
std::optional<std::string> objects_in(const std::string& answer);

/// What an upgrade would apply.
struct Rendered {
  std::string objects;  ///< YAML, those of hooks too
  std::string
      crds;  ///< the definitions of custom resources that the chart and its subcharts bring; helm applies them only once
  bool is_server_side = false;  ///< helm would apply it on the server
};

struct Judgement {
  std::optional<Rendered> rendered;   ///< nothing when the chart cannot be rendered
  std::vector<std::string> warnings;  ///< of the policy
};

/// Renders a chart, from the cluster, or by helm alone for charts that bring the definitions of their own objects, and holds it against the
/// policy. Throws Error(artifact) for what that refuses, and for a chart that cannot be rendered or read while it refuses anything: apply would
/// not be safe.
Judgement judge(const Tools& tools, const Subject& subject, const Upgrade& upgrade, const policy::Policy& policy,
                base::Pulse& pulse);

/// The same of what helm did apply: a chart may render otherwise the second time. Throws StepError(dirty).
void judge_applied(const std::string& answer, const Subject& subject, const policy::Policy& policy);

}  // namespace wrktalk::deploy::helm
