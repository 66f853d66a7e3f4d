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

/// Holds a chart against the policy. All must outlive it.
class ChartJudge {
 public:
  ChartJudge(const Tools& tools, const Subject& subject, const policy::Policy& policy)
      : tools_(tools), subject_(subject), policy_(policy) {}

  /// What helm would apply, as it renders it from the cluster, and what the policy warns of in it. Throws Error(artifact) for what it refuses, and for a
  /// chart that cannot be rendered or read while it refuses anything: apply would not be safe.
  std::vector<std::string> judge(const Upgrade& upgrade, base::Pulse& pulse) const;

  /// The same of what helm did apply: a chart may render otherwise the second time. Throws StepError(dirty).
  void judge_applied(const std::string& answer) const;

 private:
  std::string rendered(const Upgrade& upgrade, base::Pulse& pulse) const;

  const Tools& tools_;
  const Subject& subject_;
  const policy::Policy& policy_;
};

}  // namespace wrktalk::deploy::helm
