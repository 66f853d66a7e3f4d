// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/database_link.hpp"
#include "core/artifact/artifact.hpp"
#include "core/base/pulse.hpp"

#include <string>

namespace wrktalk::agent {

/// What keeps the release from running on the schemas as they are, naming the migration that is missing or too new; empty when nothing
/// does. The set "agent" lies in the agent's database, every other in that of the checkpoint tables.
/// Throws Error: failed when the application's database is away, else what connecting throws.
std::string schema_problem(DatabaseLink& link, const db::ConnectionSettings& checkpoint,
                           const artifact::Artifact& artifact, base::Pulse& pulse);

/// What to do about it.
extern const char* const kSchemaHint;

}  // namespace wrktalk::agent
