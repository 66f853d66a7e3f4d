// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/link.hpp"
#include "core/artifact/artifact.hpp"
#include "core/deploy/deployer.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/target.hpp"
#include "core/queue/task.hpp"

#include <optional>
#include <string>

namespace wrktalk::agent {

/// Where a task goes.
struct Goal {
  artifact::Artifact artifact;          ///< the release that is to run
  std::optional<long> held_revision{};  ///< a revision of it that the target itself still holds
};

/// Throws Error(failed) for a type that nobody knows.
void check_type(const queue::Task& task);

/// Throws Error(configuration) when what runs on a Docker or host target could not be put back should a task fail: nothing may be touched then.
/// A target whose release is recorded, as after v4.2, is let through. (Of a Helm release that was never whole there is nothing to put back; to
/// deploy over it may mend it.)
void check_way_back(const deploy::Before& before, const std::string& target, bool is_recorded);

/// What `task` asks for on the target that `target` describes: what was fixed when it was queued, else a deployment its artifact, a rollback what
/// its payload names, the artifact that a v4.2 backend named, or the previous release. The deployer must have passed its preflight.
/// Throws Error: failed when there is no such release, artifact when it does not fit the target.
Goal find_goal(Link& link, deploy::Deployer& deployer, const queue::Task& task, const queue::StoredGoal& stored,
               const queue::TargetRow& target, base::Pulse& pulse);

}  // namespace wrktalk::agent
