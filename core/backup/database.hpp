// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/input.hpp"
#include "core/backup/tools.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/settings.hpp"

#include <cstddef>
#include <string>

/// Backups of a whole database, with owners and rights, to put it back where it was.
namespace wrktalk::backup {

/// Makes one by pg_dump in one snapshot. What it returns is whole and on the disk: read back from there, each table has as many rows as the server
/// counted in that same snapshot. Otherwise it throws, and nothing that looks like a backup is left. The folder is made when it is not there.
/// Throws Error: busy, configuration, connection_lost, child, failed (a disk that is full, or too full to begin), difference.
Backup create_of_database(const db::ConnectionSettings& database, const std::string& name, const std::string& folder,
                          const Tools& tools, base::Pulse& pulse);

/// Rows of every table now.
Rows rows_of_database(db::raw::Connection& connection, base::Pulse& pulse);

/// Removes all but the newest `count` (at least one) of this database. Returns how many went.
std::size_t keep_newest_of(const std::string& folder, const std::string& name, std::size_t count);

}  // namespace wrktalk::backup
