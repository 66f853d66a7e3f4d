// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/database_link.hpp"
#include "core/artifact/artifact.hpp"
#include "core/deploy/deployer.hpp"
#include "core/queue/goal.hpp"
#include "core/queue/target.hpp"
#include "core/queue/task.hpp"

#include <optional>
#include <string>

namespace wrktalk::agent {

/// Where a task goes.
struct ResolvedRelease {
  artifact::Artifact artifact;          ///< the release that is to run
  std::optional<long> held_revision{};  ///< a revision of it that the target itself still holds
  std::string remark{};  ///< why the stored release is deployed although the target holds it; empty: no such thing
};

/// Throws Error(failed) for a type that nobody knows.
void check_type(const queue::Task& task);

/// Throws Error(configuration) when what runs on a Docker or host target could not be put back should a task fail: nothing may be touched then.
/// (Of a Helm release that was never whole there is nothing to put back; to deploy over it may mend it.)
void check_way_back(const deploy::Before& before, const queue::TargetRow& target);

/// What brings back what runs on `target`, which `seen` describes. What v4.2 brought up with compose needs what only its agent had set: its stored
/// release is the way back then.
deploy::Before with_way_back(deploy::Before seen, const queue::TargetRow& target);

/// What `task` asks for on the target that `target` describes: what was fixed when it was queued, else a deployment its artifact, a rollback what
/// its payload names, the artifact that a v4.2 backend named, or the previous release. The deployer must have passed its preflight.
/// Throws Error: failed when there is no such release, artifact when it does not fit the target.
ResolvedRelease find_goal(DatabaseLink& link, deploy::Deployer& deployer, const queue::Task& task,
                          const queue::StoredGoal& stored, const queue::TargetRow& target, base::Pulse& pulse);

}  // namespace wrktalk::agent
