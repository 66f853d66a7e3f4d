// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_look.hpp"
#include "core/deploy/helm_release.hpp"
#include "core/deploy/kubectl.hpp"
#include "core/deploy/pod_diagnostics.hpp"
#include "core/deploy/policy.hpp"

#include <chrono>
#include <string>

namespace wrktalk::deploy::helm {

/// One `helm upgrade --install` and what it needs around it. All references must outlive it.
class UpgradeRun {
 public:
  struct Parts {
    const Tools& tools;
    const LiveRelease& live;
    const kube::Kubectl& kubectl;
    std::string kubectl_bin;
    const policy::Policy& policy;
    std::chrono::milliseconds timeout;
  };
  struct Plan {
    Upgrade upgrade;
    std::string rendered;  ///< the objects that are expected, empty when that is not known
    kube::Manifest crds;   ///< definitions to apply before
  };
  struct Made {
    long revision = 0;
    std::string objects;  ///< what helm did apply, hooks too
  };

  explicit UpgradeRun(Parts parts) : parts_(std::move(parts)) {}

  /// `before` is the history that it begins with. Throws StepError; Error(busy) when somebody else's operation came first.
  Made run(const History& before, Plan plan, base::Pulse& pulse) const;

 private:
  exec::Outcome upgrade(const Upgrade& upgrade, base::Pulse& pulse) const;
  HookRuns hooks(const Plan& plan, bool is_upgrade) const;
  void prepare(const Plan& plan, HookRuns& hooks, base::Pulse& pulse) const;
  [[noreturn]] void fail(const std::string& version, const History& before, const exec::Outcome& outcome,
                         const HookRuns& hooks, PodDiagnostics& diagnostics) const;

  Parts parts_;
};

}  // namespace wrktalk::deploy::helm
