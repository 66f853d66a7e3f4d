// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/input.hpp"
#include "core/backup/tools.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <chrono>
#include <string>

namespace wrktalk::backup {

struct RestoreLimits {
  bool replace = false;                           ///< rows that are there may be lost
  std::chrono::milliseconds lock_timeout{5'000};  ///< for the tables, while an application uses them
};

/// Puts a backup's rows in place in one transaction: all of it or nothing. Where the tables are, they are emptied and keep
/// their structure, owners and rights; where none is, they are made as the backup has them. The database's statistics are
/// brought up to date. `also` sees everything that is read. Returns the rows of each table.
///
/// The bytes are checked by nobody here: call `check_sha256` first. Throws Error: failed when there are rows and `replace` is
/// not said; difference when the backup is damaged or has not the rows it was made with; configuration when the tables do not
/// fit; database, connection_lost, child.
Rows restore(db::raw::Connection& connection, const Backup& backup, const Reading& reading, const RestoreLimits& limits,
             DumpListener& also);

/// Throws Error(difference) unless the backup brought every table of an application's data, and the rows it was made with.
void need_recorded_rows(const Backup& backup, const Rows& found);

}  // namespace wrktalk::backup
