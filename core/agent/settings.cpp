// SPDX-License-Identifier: Apache-2.0
#include "core/agent/settings.hpp"

#include "core/base/files.hpp"
#include "core/deploy/kinds.hpp"
#include "core/observe/state_file.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using namespace settings;

constexpr long kTick = 100;

constexpr Choices<base::TargetKind, base::kTargetKinds.size()> kinds_by_name() {
  Choices<base::TargetKind, base::kTargetKinds.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kinds[i].first = base::kTargetKinds[i].name;
    kinds[i].second = base::kTargetKinds[i].kind;
  }
  return kinds;
}
constexpr auto kKinds = kinds_by_name();

void take_secrets_dir(Settings& out, const Reader& read, const char* key) {
  out.secrets_dir = read.text(key).empty() ? base::private_parent() : read.optional_path(key);
}

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"agent.deployment_type", "WRKTALK_AGENT_DEPLOYMENT_TYPE", "", "--deployment-type", "host", Form::value, "The default target's kind: kubernetes, docker or host"},
     choice<&Settings::deployment_type, kKinds>},
    {{"agent.id", "WRKTALK_AGENT_AGENT_ID", "", "--agent-id", "", Form::value, "This agent's name, part of its host target's; when empty the host's name"},
     text<&Settings::agent_id>},
    {{"agent.targets", "WRKTALK_AGENT_TARGETS", "", "--targets", "", Form::value, "Targets served besides the default one, with commas"},
     list<&Settings::more_targets>},
    {{"agent.poll_interval", "WRKTALK_AGENT_POLL_INTERVAL", "", "--poll-interval", "30", Form::value, "The longest time between two looks at the queue"},
     duration<&Settings::poll_interval, kTick>},
    {{"agent.heartbeat_interval", "WRKTALK_AGENT_HEARTBEAT_INTERVAL", "", "--heartbeat-interval", "60", Form::value, "How often a running task's lease is renewed; the lease lasts three of them"},
     duration<&Settings::heartbeat_interval, kTick>},
    {{"agent.grace", "WRKTALK_AGENT_GRACE", "", "--grace", "30", Form::value, "How long a running task may go on after SIGTERM"},
     duration<&Settings::grace, 0>},
    {{"agent.env_file", "WRKTALK_AGENT_ENV_FILE", "", "", "", Form::value, "The site's own variables for compose and host targets, a file of NAME=VALUE lines, over all others; empty: none"},
     optional_path<&Settings::site_env_file>},
    {{"agent.values", "WRKTALK_AGENT_VALUES", "", "", "", Form::value, "The site's own values for Kubernetes targets, a values file, over all others; empty: none"},
     optional_path<&Settings::site_values_file>},
    {{"agent.secrets_dir", "WRKTALK_AGENT_SECRETS_DIR", "", "--secrets-dir", "", Form::value, "Folder, best on a tmpfs, where env and values files lie while a task runs; empty: /dev/shm, else TMPDIR"},
     take_secrets_dir},
    {{"agent.backup_dir", "WRKTALK_AGENT_BACKUP_DIR", "", "", "", Form::value, "Folder of the backups that releases ask for before they are deployed; empty: wrktalk-backups in a host target's root; other targets need one"},
     optional_path<&Settings::release_backup_dir>},
    {{"agent.backup_keep", "WRKTALK_AGENT_BACKUP_KEEP", "", "", "3", Form::value, "How many of these backups are kept of each database"},
     number<&Settings::release_backups>},
};
// clang-format on

/// For one statement: longer than the lock time-out, and so short that an idle agent whose connection has fallen silent runs a due task within a
/// minute (a poll interval, this, and a new connection).
constexpr std::chrono::seconds kLongestAnswer{15};

deploy::Target checked_target(const std::string& name) {
  try {
    return deploy::parse_target(name);
  } catch (const base::Error& e) {
    throw base::Error(base::Kind::configuration, e.what(), e.hint());
  }
}

}  // namespace

std::string Settings::state_file() const { return observe::state_path(secrets_dir, agent_id); }

std::string Settings::backups() const {
  if (!release_backup_dir.empty() || deployment_type != base::TargetKind::host) return release_backup_dir;
  return deploy.host_root + "/wrktalk-backups";
}

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

Settings ready(Settings settings, db::ConnectionSettings database, db::ConnectionSettings checkpoint_database) {
  settings.database = std::move(database);
  settings.database.answer_within = kLongestAnswer;
  settings.checkpoint_database = std::move(checkpoint_database);
  const auto& row = deploy::row_of(settings.deployment_type);
  settings.targets.push_back(checked_target(row.default_name(settings.deploy, settings.agent_id)));
  for (const auto& name : settings.more_targets) {
    auto target = checked_target(name);
    const bool known = std::any_of(settings.targets.begin(), settings.targets.end(),
                                   [&](const auto& other) { return other.name == target.name; });
    if (!known) settings.targets.push_back(std::move(target));
  }
  maintenance::check(settings.maintenance);
  return settings;
}

}  // namespace wrktalk::agent
