// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "cmd/migrate_report.hpp"
#include "cmd/migrate_set.hpp"
#include "core/migrate/grants.hpp"
#include "core/migrate/runner.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace wrktalk::cmd {

/// What the subcommands of `migrate` are told; each takes some of it.
struct MigrateOptions : SetOptions {
  std::optional<std::int64_t> to;
  std::size_t steps = 1;
  std::string wait = "0s";
  std::string wait_lock = "5m";
  std::string statement_timeout = "0s";
  bool allow_out_of_order = false;
  bool accept_changed = false;
  bool exit_code = false;
  std::string name;  ///< of `create`
  bool timestamp = false;
  migrate::Grantees grantees;
  bool apply = false;

  migrate::Goal goal() const { return {to, allow_out_of_order ? migrate::Late::allowed : migrate::Late::refused}; }
};

/// A set, and a connection to the database that it belongs to.
class MigrateSession {
 public:
  /// Connects, waiting as long as `--wait` says; what happens from then on is told on stdout unless the output is JSON.
  MigrateSession(const MigrateOptions& options, Env& env, const std::string& command);

  const migrate::Set& set() const noexcept { return set_; }
  migrate::Target target() { return {settings_, *connection_, pulse_}; }
  const migrate::Limits& limits() const noexcept { return limits_; }
  MigrateReport& report() noexcept { return report_; }
  /// {"set": ..., "migrations": [...]}: what has been done so far.
  nlohmann::ordered_json document() const;

 private:
  migrate::Set set_;
  db::ConnectionSettings settings_;
  migrate::Limits limits_;
  SignalPulse pulse_;
  MigrateReport report_;
  std::optional<db::raw::Connection> connection_;
};

// One a subcommand.
base::ExitCode run_migrate_up(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_down(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_goto(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_status(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_plan(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_baseline(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_repair(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_grants(const MigrateOptions& options, Env& env);
base::ExitCode run_migrate_create(const MigrateOptions& options, Env& env);

}  // namespace wrktalk::cmd
