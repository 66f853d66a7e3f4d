// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config/settings.hpp"

namespace wrktalk::config {

/// The two databases, from values that hold every key. Throw Error(configuration | usage): a DSN that is none, or a
/// password on the command line.
Database agent_database(const Values& values, const DsnParser& parse_dsn);
Database checkpoint_database(const Values& values, const Database& agent, const DsnParser& parse_dsn);

}  // namespace wrktalk::config
