// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/app_databases.hpp"
#include "core/artifact/artifact.hpp"
#include "core/base/pulse.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// What a task will do to the application's databases.
struct DataPlan {
  std::vector<std::string> backups;      ///< of these, before anything else is done
  std::optional<Migrations> migrations;  ///< of the goal
  std::vector<std::int64_t> pending;     ///< numbers of those that it applies
  std::optional<Migrations> back;        ///< of what runs, when the goal is older and has not all that is applied
  std::vector<std::int64_t> to_undo;     ///< numbers of those that it undoes; empty when they stay
  std::vector<std::string> remarks;      ///< for the operator

  bool migrates() const noexcept { return !pending.empty() || !to_undo.empty(); }
};

/// What is asked about.
struct DataQuestion {
  const artifact::Artifact& goal;
  std::string tree;  ///< the goal's; empty when the target itself still holds it
  std::optional<artifact::Artifact>
      ran;                    ///< what runs, when the task goes back from it; nothing when that is not stored
  bool accepts_loss = false;  ///< rows may be lost that down files drop
  std::function<std::string(const artifact::Artifact&)> tree_of;  ///< unpacks a release for a look
};

/// Whether a task goes to an older release than `ran`, as far as that can be told.
bool goes_back(bool is_rollback, const std::string& goal, const std::optional<std::string>& ran);

/// Looks at manifests, files and ledgers; changes nothing. Throws Error for what cannot be done: a database that no setting names, a folder or a ledger that does
/// not fit, an older release that does not run on what is applied, rows that would be lost and whose loss nobody has accepted.
DataPlan plan_of(AppDatabases& databases, const DataQuestion& question, base::Pulse& pulse);

}  // namespace wrktalk::agent
