// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/migrate/migration.hpp"

#include <string>

namespace wrktalk::cmd {

/// Which migrations a command is about.
struct SetOptions {
  std::string set;
  std::string dir;
};

void add_set_options(CLI::App& command, SetOptions& options);

/// `--set`, the files of `--dir`, or the checkpoint set. Throws Error.
migrate::Set chosen_set(const SetOptions& options);

/// The agent's database for its own set, the checkpoint tables' for everything else.
db::ConnectionSettings database_of(const SetOptions& options, const Env& env, const std::string& name);

/// Whether that database's credentials came out of a vault.
bool is_from_vault(const SetOptions& options, const Env& env);

}  // namespace wrktalk::cmd
