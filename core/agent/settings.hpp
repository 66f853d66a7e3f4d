// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/limits.hpp"
#include "core/db/settings.hpp"
#include "core/deploy/deployer.hpp"
#include "core/maintenance/maintenance.hpp"
#include "core/notify/settings.hpp"
#include "core/observe/address.hpp"
#include "core/secrets/credentials.hpp"
#include "core/settings/fields.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// All that the agent needs to know.
struct Settings {
  base::TargetKind deployment_type = base::TargetKind::host;  ///< the default target's kind
  std::string agent_id;
  std::vector<std::string> more_targets;  ///< names of targets besides the default one
  std::chrono::milliseconds poll_interval{30'000};
  std::chrono::milliseconds heartbeat_interval{60'000};
  std::chrono::milliseconds grace{30'000};  ///< how long a running task may go on after SIGTERM
  std::string secrets_dir;                  ///< where env and values files lie while a task runs
  std::string site_env_file;                ///< the site's own, for compose and host targets; empty: none
  std::string site_values_file;             ///< the same for Kubernetes targets

  std::string release_backup_dir;     ///< where backups before a deployment lie; empty: see backups()
  std::uint64_t release_backups = 3;  ///< how many of them are kept of each database

  deploy::Settings deploy;
  artifact::Limits limits;
  maintenance::Settings maintenance;
  notify::Settings notify;
  secrets::Settings vault;  ///< for the database's credentials, and for references in the site's settings

  // What is no setting: `ready` and the command that runs the agent say it.
  db::ConnectionSettings database;
  secrets::Credentials* credentials =
      nullptr;  ///< of the database, when others may come; whoever sets it keeps it alive
  db::ConnectionSettings checkpoint_database;  ///< the application's, for releases that need a schema version there
  std::map<std::string, db::ConnectionSettings>
      app_databases;                     ///< others of the application's, by the name that releases call them
  std::vector<deploy::Target> targets;   ///< what it serves; the default one is the first
  bool poll_only = false;                ///< behind a pooler: no LISTEN, no connection held while idle
  std::optional<observe::Address> http;  ///< where the daemon answers probes and shows its metrics
  std::string backup_dir;                ///< whose newest backup it shows there; empty: none

  /// A task is ours for this long after each heartbeat.
  std::chrono::milliseconds lease() const noexcept { return 3 * heartbeat_interval; }
  /// What `wrktalk health` reads.
  std::string state_file() const;
  /// The folder of the backups that are made before a deployment.
  std::string backups() const;
};

/// The section `agent`.
settings::Fields<Settings> setting_fields() noexcept;

/// A copy that an agent can run with: its databases, its targets taken apart. Throws Error(configuration) for a target or a maintenance handler
/// that cannot be.
Settings ready(Settings settings, db::ConnectionSettings database, db::ConnectionSettings checkpoint_database);

}  // namespace wrktalk::agent
