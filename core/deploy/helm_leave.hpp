// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/kube_health.hpp"
#include "core/deploy/kube_objects.hpp"

#include <string>
#include <vector>

/// How many pods there are is left to whoever scales them: helm has no way to leave a field out, so the chart is given the number that is there.
namespace wrktalk::deploy::helm {

/// The rendered objects, where each of `scaled` wants as many replicas as `live` has. Throws Error(artifact) for one whose number is not
/// found as a plain `replicas: N`. Pure.
std::string with_live_replicas(const std::string& objects, const std::string& of_namespace,
                               const std::vector<std::string>& scaled, const std::vector<kube::Live>& live);

/// Makes a chart in the new folder `folder` that renders to `objects` as they are, with the name and version of the chart at `original`.
void write_rendered_chart(const std::string& original, const std::string& objects, const std::string& folder);

}  // namespace wrktalk::deploy::helm
