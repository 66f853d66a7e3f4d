// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::queue {

/// A row of deployment_target.
struct TargetRow {
  std::string name;
  std::string kind;        ///< of base::kTargetKinds, or one that only a newer agent knows
  std::string chart_type;  ///< the type of the releases that it takes
  bool is_default = false;
  std::optional<std::string> current_artifact_id;
  std::optional<std::string> previous_artifact_id;
  std::optional<std::string> current_version;
  std::optional<std::string> previous_version;
  std::optional<long> revision;  ///< helm's, of the current release
  std::optional<long> previous_revision;
  std::optional<std::string> applied_at;
  bool is_of_v42 = false;  ///< the current release is what v4.2 had recorded, and no task of ours has ended here since
};

/// What an agent brings along when it makes its target known, for a deployment_config that has no row yet.
struct Registration {
  std::string name;
  std::string kind;
  std::string chart_type;
  std::string namespace_;
  std::string helm_release_name;
  std::string compose_project_name;
};

/// The number of the newest migration of the set `agent` that the code relies on.
constexpr long kNeededMigration = 11;
/// Throws Error(configuration) with the hint `migrate up --set agent` when the agent's tables are missing or older than we need.
void require_schema(db::Session& db);

/// Makes a target known. The first of its kind becomes the default one and takes over what the v4.2 flags say is current and previous.
void register_target(db::Session& db, const Registration& target);

std::vector<TargetRow> targets(db::Session& db);
/// Nothing when no agent has made it known.
std::optional<TargetRow> find_target(db::Session& db, const std::string& name);

/// The default target of a kind, if an agent has made one known.
std::optional<TargetRow> default_target(db::Session& db, const std::string& kind);

/// The revision that the newest completed task on `target` made of this artifact, if it is known.
std::optional<long> revision_of(db::Session& db, const std::string& target, const std::string& artifact_id);
/// The artifact that `revision` of `target` was made of.
std::optional<std::string> artifact_of_revision(db::Session& db, const std::string& target, long revision);

/// The stored release of this version for targets of `kind`, the newest when there are several.
/// What the last task that found the artifact running on the target wrote of it in `before`, as JSON; nothing when none did.
std::optional<std::string> last_seen_running(db::Session& db, const std::string& target,
                                             const std::string& artifact_id);
std::optional<std::string> artifact_of_version(db::Session& db, const std::string& chart_type,
                                               const std::string& version);

}  // namespace wrktalk::queue
