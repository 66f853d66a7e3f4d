// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/credentials.hpp"
#include "core/artifact/artifact.hpp"
#include "core/config/settings.hpp"
#include "core/db/settings.hpp"
#include "core/deploy/deployer.hpp"
#include "core/maintenance/maintenance.hpp"
#include "core/notify/settings.hpp"
#include "core/observe/address.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// All that the agent needs to know, taken from the configuration once.
struct Settings {
  db::ConnectionSettings database;
  Credentials* credentials = nullptr;          ///< of the database, when they are lent; whoever sets it keeps it alive
  db::ConnectionSettings checkpoint_database;  ///< the application's, for releases that need a schema version there
  std::string agent_id;
  std::vector<deploy::Target>
      targets;  ///< what it serves; the first is the one that WRKTALK_AGENT_DEPLOYMENT_TYPE names
  deploy::Settings deploy;
  maintenance::Settings maintenance;
  notify::Settings notify;
  artifact::Limits limits;
  std::chrono::milliseconds poll_interval{30'000};
  std::chrono::milliseconds heartbeat_interval{60'000};
  std::chrono::milliseconds grace{30'000};  ///< how long a running task may go on after SIGTERM
  std::string secrets_dir;                  ///< where env and values files lie while a task runs
  std::string state_file;                   ///< what `wrktalk health` reads
  bool poll_only = false;                   ///< behind a pooler: no LISTEN, no connection held while idle
  std::optional<observe::Address> http;     ///< where the daemon answers probes and shows its metrics
  std::string backup_dir;                   ///< whose newest backup it shows there; empty: none

  /// A task is ours for this long after each heartbeat.
  std::chrono::milliseconds lease() const noexcept { return 3 * heartbeat_interval; }
};

/// Throws Error(configuration) for a target or a maintenance handler that cannot be.
Settings settings_from(const config::Settings& config, db::ConnectionSettings database,
                       db::ConnectionSettings checkpoint_database);

/// Their values were checked by config::parse.
deploy::policy::Policy policy_from(const config::Settings& config);
artifact::Limits limits_from(const config::Settings& config);

/// Where the daemon with these settings keeps its state for `wrktalk health`.
std::string state_file(const config::Settings& config);

}  // namespace wrktalk::agent
