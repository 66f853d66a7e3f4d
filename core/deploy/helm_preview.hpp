// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_judge.hpp"
#include "core/deploy/kubectl.hpp"

#include <string>
#include <vector>

/// What the API server says of a chart before it is applied.
namespace wrktalk::deploy::helm {

/// Fields that a chart sets and somebody else has set since.
struct Conflict {
  std::string owner;                ///< "kubectl (scale)"
  std::vector<std::string> fields;  ///< ".spec.replicas"
};
/// What the server's refusal of one server-side apply says; helm's own earlier ways to apply are left out. Pure.
std::vector<Conflict> parse_conflicts(const std::string& stderr_text);

struct Preview {
  std::vector<std::string> remarks;  ///< sentences for people
  std::vector<std::string> scaled;   ///< objects whose replicas are left to whoever set them: "Deployment web"
  kube::Manifest changed_crds;  ///< definitions that the chart brings, and that the cluster has otherwise or not at all
};

struct PreviewOptions {
  bool takes_fields = true;
  bool updates_crds = false;
};

/// Changes nothing. What cannot be found out, for lack of kubectl or of a right, is a remark.
/// Throws Error(artifact) for fields of others that are to be left and cannot be: of those only replicas can.
Preview preview(const Rendered& rendered, const std::string& namespace_, const PreviewOptions& options,
                const kube::Kubectl& kubectl, base::Pulse& pulse);

}  // namespace wrktalk::deploy::helm
