// SPDX-License-Identifier: Apache-2.0
#include "core/agent/goal.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;

class GoalFinder {
 public:
  GoalFinder(DatabaseLink& link, deploy::Deployer& deployer, const queue::TargetRow& target, base::Pulse& pulse)
      : link_(link), deployer_(deployer), target_(target), pulse_(pulse) {}

  ResolvedRelease of_deploy(const queue::Task& task) {
    if (!task.artifact_id) throw Error(Kind::failed, "the task names no release artifact");
    queue::parse_payload(task.payload);
    return {find_artifact(*task.artifact_id, false)};
  }

  ResolvedRelease of_rollback(const queue::Task& task, const queue::StoredGoal& stored) {
    const auto payload = queue::parse_payload(task.payload);
    if (stored.artifact_id) return held(find_artifact(*stored.artifact_id, false));
    if (payload.target_revision) return of_revision(*payload.target_revision);
    if (payload.target_version) return held(find_artifact(*payload.target_version, true));
    if (task.artifact_id) return held(find_artifact(*task.artifact_id, false));
    if (target_.previous_artifact_id) return held(find_artifact(*target_.previous_artifact_id, false));
    throw Error(Kind::failed, "there is no previous release on " + target_.name,
                "name one with --to-version; `wrktalk release list` shows what is stored");
  }

 private:
  artifact::Artifact find_artifact(const std::string& id_or_version, bool of_our_type) {
    std::optional<std::string> type;
    if (of_our_type) type = target_.chart_type;
    auto db = link_.raw();
    return artifact::find(db, id_or_version, type, pulse_);
  }

  ResolvedRelease held(artifact::Artifact artifact) {
    auto* revisions = deployer_.revisions();
    if (revisions == nullptr) return {std::move(artifact), std::nullopt};
    const auto recorded = queue::revision_of(link_.session(), target_.name, artifact.id);
    const auto revision = revisions->held(artifact.version, recorded, pulse_);
    return {std::move(artifact), revision};
  }

  /// Numbers begin anew when a release was removed and installed again: what the target says of it counts, then what was recorded.
  ResolvedRelease of_revision(long revision) {
    auto* revisions = deployer_.revisions();
    if (const auto version = revisions != nullptr ? revisions->version_at(revision, pulse_) : std::nullopt) {
      return {find_artifact(*version, true), revision};
    }
    const auto id = queue::artifact_of_revision(link_.session(), target_.name, revision);
    if (!id) {
      throw Error(Kind::failed, "no task made revision " + std::to_string(revision) + " of " + target_.name,
                  "name a version with --to-version, or look at `wrktalk task list`");
    }
    return held(find_artifact(*id, false));
  }

  DatabaseLink& link_;
  deploy::Deployer& deployer_;
  const queue::TargetRow& target_;
  base::Pulse& pulse_;
};

void check_fits(const artifact::Artifact& artifact, const queue::TargetRow& target) {
  const std::string& wanted = target.chart_type;
  if (artifact.chart_type != wanted) {
    throw Error(Kind::artifact,
                "release " + artifact.version + " is a " + base::one_line(artifact.chart_type) + " release, and " +
                    target.name + " takes " + wanted + " releases",
                "name a target that fits");
  }
  deploy::check_version(artifact.version);
}

}  // namespace

void check_type(const queue::Task& task) {
  if (task.type == "deploy" || task.type == "rollback") return;
  throw Error(Kind::failed, "unknown task type '" + base::one_line(task.type) + "'", "use deploy or rollback");
}

void check_way_back(const deploy::Before& before, const queue::TargetRow& target) {
  if (before.state != deploy::Before::State::unknown) return;
  if (target.kind == base::to_text(deploy::TargetKind::kubernetes)) return;
  throw Error(Kind::configuration, "what runs there could not be put back should this fail: " + before.detail,
              "make that possible, or take down what runs; then try again");
}

deploy::Before with_way_back(deploy::Before seen, const queue::TargetRow& target) {
  if (seen.state != deploy::Before::State::unknown || !target.is_of_v42) return seen;
  if (target.kind != base::to_text(deploy::TargetKind::docker)) return seen;
  seen.state = deploy::Before::State::running;
  seen.version = target.current_version;
  seen.detail +=
      "; the stored release " + target.current_version.value_or("") + " that v4.2 deployed would be brought up";
  return seen;
}

ResolvedRelease find_goal(DatabaseLink& link, deploy::Deployer& deployer, const queue::Task& task,
                          const queue::StoredGoal& stored, const queue::TargetRow& target, base::Pulse& pulse) {
  check_type(task);
  GoalFinder finder(link, deployer, target, pulse);
  ResolvedRelease goal = task.type == "deploy" ? finder.of_deploy(task) : finder.of_rollback(task, stored);
  check_fits(goal.artifact, target);
  return goal;
}

}  // namespace wrktalk::agent
