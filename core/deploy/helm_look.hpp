// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/deployer.hpp"
#include "core/deploy/kubectl.hpp"

#include <chrono>
#include <set>
#include <string>
#include <vector>

/// Our own look at what helm has made: helm says "deployed" of things that do not run.
namespace wrktalk::deploy::helm {

/// How long a look, and what brings a release back, waits for an API server that went away in the middle of a task.
constexpr std::chrono::minutes kLongestAway{30};

/// A manifest of helm's. Empty when it cannot be read, which the story says: what helm takes is no reason to fail for us.
kube::Manifest readable(const Tools& tools, const std::string& objects, const std::string& of_namespace);

/// Whether the workloads of a manifest run. All must outlive it.
class Look {
 public:
  Look(const Tools& tools, const kube::Kubectl& kubectl, std::chrono::milliseconds timeout)
      : tools_(tools), kubectl_(kubectl), timeout_(timeout) {}

  /// Waits until all of them are well, for the time-out at most; for as long as `kLongestAway` when the API server does not answer. Without
  /// kubectl, or the right to look, nothing is looked at, and the story says so.
  /// Throws StepError(when_not) that names what is not well, `release` being what they belong to.
  void await(const std::vector<kube::Object>& workloads, const std::string& release, StepError::Left when_not,
             base::Pulse& pulse) const;

 private:
  const Tools& tools_;
  const kube::Kubectl& kubectl_;
  std::chrono::milliseconds timeout_;
};

/// The Jobs and Pods that run as hooks of one helm operation.
///
/// Helm 4 takes a Job that an earlier release left behind for its own, and does not run it again; Helm 3 fails on it.
class HookRuns {
 public:
  HookRuns(const Tools& tools, const kube::Kubectl& kubectl, std::vector<kube::Object> hooks)
      : tools_(tools), kubectl_(kubectl), hooks_(std::move(hooks)) {}

  /// Before the operation: removes those that ended long ago and that helm would not remove itself, and remembers those that stay.
  /// Throws StepError(untouched) for one that still runs, and for something of its name that is no hook.
  void make_room(base::Pulse& pulse);

  /// After it: the ones that were not run again. Without kubectl none.
  std::vector<std::string> not_run(base::Pulse& pulse) const;

  /// After it failed: ends those that still run, and returns their names. Never throws but what the pulse throws.
  std::vector<std::string> end(base::Pulse& pulse) const;

 private:
  const Tools& tools_;
  const kube::Kubectl& kubectl_;
  std::vector<kube::Object> hooks_;
  std::set<std::string> uids_;
};

}  // namespace wrktalk::deploy::helm
