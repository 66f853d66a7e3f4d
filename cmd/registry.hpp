// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/registry/database.hpp"

/// What `registry` and its subcommand share.
namespace wrktalk::cmd {

registry::Database::Login registry_login(const Env& env, const std::string& command);
void add_registry_push(CLI::App& registry, Selected& chosen);

}  // namespace wrktalk::cmd
