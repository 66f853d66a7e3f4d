// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/goal.hpp"
#include "core/agent/release_needs.hpp"
#include "core/artifact/artifact.hpp"
#include "core/base/pulse.hpp"
#include "core/deploy/deployer.hpp"
#include "core/notify/outbox.hpp"
#include "core/queue/claim.hpp"
#include "core/queue/target.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// All that one task needs of the database, and of what hangs on it: stored releases, maintenance windows, the outbox. For one claimed task,
/// from one thread.
///
/// Every verb may throw what the database throws: an outage (`db::may_pass`) may be over after `drop_connection` and a while; lease_lost
/// means that another agent has the task.
class TaskStore {
 public:
  virtual ~TaskStore() = default;

  /// What was said last may not have been heard: the next verb connects anew.
  virtual void drop_connection() noexcept = 0;

  // ------------------------------------------------------------ where the task goes
  /// The record of the task's target. Throws Error(failed) when it is gone.
  virtual queue::TargetRow target() = 0;
  /// As find_goal().
  virtual ResolvedRelease find_goal(const queue::StoredGoal& stored, const queue::TargetRow& target,
                                    deploy::Deployer& deployer, base::Pulse& pulse) = 0;
  virtual std::optional<std::string> artifact_of_version(const std::string& version) = 0;
  /// As schema_problem().
  virtual std::string schema_problem(const artifact::Artifact& artifact, base::Pulse& pulse) = 0;
  /// As way_up().
  virtual WayUp way_up(const artifact::Artifact& artifact, const deploy::Before& seen, base::Pulse& pulse) = 0;
  virtual void remember(const queue::Memory& memory) = 0;

  // ------------------------------------------------------------ its story
  virtual void begin_step(const std::string& phase, const std::string& reached) = 0;
  virtual void add_event(const std::string& phase, const std::string& message) = 0;

  // ------------------------------------------------------------ releases
  virtual artifact::Artifact find_artifact(const std::string& id, base::Pulse& pulse) = 0;
  /// From now on, and as long as this lives, the values of the release's env and values files are masked wherever they are told. What
  /// is found of a release and fetched is masked already. A release that is gone has none.
  virtual void hide_secrets_of(const std::string& artifact_id, base::Pulse& pulse) = 0;
  /// Unpacks the release to `tree`, and gives it with its env and values files.
  virtual deploy::Release fetch(const artifact::Artifact& artifact, const std::string& tree, base::Pulse& pulse) = 0;
  /// Unpacks the release beside everything else, for a look into it: the path of its tree, which goes with this store.
  virtual std::string tree_apart(const artifact::Artifact& artifact, base::Pulse& pulse) = 0;
  /// Lays what the site sets over a release that was fetched: as it was when the first holder of this task began. Returns what the operator should
  /// know. Throws Error for a setting that cannot be used, and for a secret that is not there.
  virtual std::vector<std::string> add_site(deploy::Release& release, const std::string& artifact_id,
                                            base::Pulse& pulse) = 0;
  /// The same of what ran before: as its own deployment used it.
  virtual std::vector<std::string> add_site_of_before(deploy::Release& release, const std::string& artifact_id,
                                                      base::Pulse& pulse) = 0;
  /// Reads now what those refer to: Vault may be away when it is to be put back.
  virtual void prepare_site_of_before(const std::string& artifact_id, base::Pulse& pulse) = 0;
  /// A release with its env file and without a tree.
  virtual deploy::Release without_tree(const std::string& artifact_id, base::Pulse& pulse) = 0;
  /// Adds the release's settings for the application and returns their names.
  virtual std::vector<std::string> add_server_env(const artifact::Artifact& artifact, base::Pulse& pulse) = 0;

  // ------------------------------------------------------------ maintenance
  virtual void open_window(const std::string& reason, base::Pulse& pulse) = 0;
  /// Closes the task's window; with `of_target` also those that earlier tasks on its target left open because they could not put it back.
  /// False when the site stays in maintenance because somebody else holds it there.
  virtual bool close_window(bool of_target, base::Pulse& pulse) = 0;

  // ------------------------------------------------------------ the end
  /// Status, result, flags and the target's row with the outbox rows in one transaction. What the database refuses of story and mails is left
  /// out and told in the log.
  virtual void record(const queue::Ending& ending, const std::string& message,
                      const std::vector<notify::NewNotification>& events) = 0;
  /// Whether it was recorded: after a commit whose answer was lost.
  virtual bool is_recorded() = 0;
  /// Makes the task pending again, for at least `pause`.
  virtual void release(const std::string& why, std::chrono::milliseconds pause) = 0;
  /// The versions that the target's record needs: current and previous.
  virtual std::vector<std::string> versions_in_use() = 0;
};

}  // namespace wrktalk::agent
