// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/database_link.hpp"
#include "core/agent/settings.hpp"
#include "core/agent/site.hpp"
#include "core/agent/task_store.hpp"
#include "core/base/files.hpp"
#include "core/log/log.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// The store of a real task: its statements go over the agent's link.
class DatabaseStore : public TaskStore {
 public:
  DatabaseStore(const Settings& settings, DatabaseLink& link, const queue::Claim& claim)
      : settings_(settings), link_(link), claim_(claim) {}

  void drop_connection() noexcept override { link_.drop(); }
  queue::TargetRow target() override;
  ResolvedRelease find_goal(const queue::StoredGoal& stored, const queue::TargetRow& target, deploy::Deployer& deployer,
                            base::Pulse& pulse) override;
  std::optional<std::string> artifact_of_version(const std::string& version) override;
  std::string schema_problem(const artifact::Artifact& artifact, base::Pulse& pulse) override;
  WayUp way_up(const artifact::Artifact& artifact, const deploy::Before& seen, base::Pulse& pulse) override;
  void remember(const queue::Memory& memory) override;
  void begin_step(const std::string& phase, const std::string& reached) override;
  void add_event(const std::string& phase, const std::string& message) override;
  artifact::Artifact find_artifact(const std::string& id, base::Pulse& pulse) override;
  void hide_secrets_of(const std::string& artifact_id, base::Pulse& pulse) override;
  deploy::Release fetch(const artifact::Artifact& artifact, const std::string& tree, base::Pulse& pulse) override;
  std::string tree_apart(const artifact::Artifact& artifact, base::Pulse& pulse) override;
  std::vector<std::string> add_site(deploy::Release& release, const std::string& artifact_id,
                                    base::Pulse& pulse) override;
  void prepare_site_of_before(const std::string& artifact_id, base::Pulse& pulse) override;
  std::vector<std::string> add_site_of_before(deploy::Release& release, const std::string& artifact_id,
                                              base::Pulse& pulse) override;
  deploy::Release without_tree(const std::string& artifact_id, base::Pulse& pulse) override;
  std::vector<std::string> add_server_env(const artifact::Artifact& artifact, base::Pulse& pulse) override;
  void open_window(const std::string& reason, base::Pulse& pulse) override;
  bool close_window(bool of_target, base::Pulse& pulse) override;
  void record(const queue::Ending& ending, const std::string& message,
              const std::vector<notify::NewNotification>& events) override;
  bool is_recorded() override;
  void release(const std::string& why, std::chrono::milliseconds pause) override;
  std::vector<std::string> versions_in_use() override;

  /// What the outbox did not take when the task was recorded, because somebody held a lock: to be tried again.
  std::vector<notify::NewNotification> take_owed() { return std::move(owed_); }

 private:
  const base::TempDir& secrets();
  Site& site();
  site::Use use_of_task();
  site::Use use_of_before(const std::string& artifact_id);
  std::vector<std::string> public_words() const;
  maintenance::Sessions sessions();
  void record_once(const queue::Ending& ending, const std::string& message,
                   const std::vector<notify::NewNotification>& events);

  const Settings& settings_;
  DatabaseLink& link_;
  const queue::Claim& claim_;
  std::optional<base::TempDir> secrets_;            ///< env and values files, while the task runs
  std::map<std::string, log::SecretScope> hidden_;  ///< by the id of the release whose env and values they are
  std::optional<base::TempDir> apart_;              ///< releases that were unpacked for a look
  std::optional<Site> site_;
  std::optional<site::Use> use_;  ///< the task's
  bool site_was_used_ = false;    ///< by an earlier task on the target; known with `use_`
  std::vector<notify::NewNotification> owed_;
};

}  // namespace wrktalk::agent
