// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy::helm {

struct Trial {
  bool is_rendered = false;           ///< helm rendered the chart, and the policy judged the objects
  std::string why_not;                ///< when it did not: "helm is not on this machine", or what helm says
  std::vector<std::string> warnings;  ///< of the policy
};

/// Lets helm alone render a packed chart with its values, as release and in the namespace of `subject`, as far as a deployment's check can be done where no cluster is asked. `values`: their text;
/// it lies in a private folder for as long as it takes. Throws Error(artifact) for what no cluster can mend (values that the chart's schema refuses, a
/// template or a chart that cannot be read) and for what the policy refuses; what may depend on the cluster is told in `why_not`.
/// `images` gets what a chart that was rendered names: what its objects run, hooks and tests included, and what its annotation helm.sh/images lists; Error(artifact)
/// also for one that is no list.
Trial try_chart(const std::string& file, const std::optional<std::string>& values, const Subject& subject,
                const policy::Policy& policy, base::Pulse& pulse, std::vector<std::string>* images = nullptr);

}  // namespace wrktalk::deploy::helm
