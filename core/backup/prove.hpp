// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/input.hpp"
#include "core/backup/tools.hpp"
#include "core/base/pulse.hpp"
#include "core/db/settings.hpp"

namespace wrktalk::backup {

/// Reads a backup whole: its digest, then every byte unpacked, to the dump's end mark, with the rows it was made with.
/// Throws Error(difference | child | configuration | failed); changes nothing.
Rows verify(const Backup& backup, const Reading& reading);

/// Besides, restores it into a throw-away database on that server, or, when the role may not create one, into a private
/// server of its own, dumps that again and compares tables, rows and the digest of every row. Leaves nothing behind; what a
/// killed run left on the server is removed by the next one.
Rows verify_by_restoring(const db::ConnectionSettings& database, const Backup& backup, const Reading& reading);

/// Notes in NAME.json that the backup was found good now. A folder that is read-only is only warned about.
void note_verified(Backup backup, bool restored);

}  // namespace wrktalk::backup
