// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/input.hpp"
#include "core/backup/output.hpp"
#include "core/backup/tables.hpp"
#include "core/backup/tools.hpp"
#include "core/base/pulse.hpp"
#include "core/db/settings.hpp"

#include <string>

namespace wrktalk::backup {

struct Wish {
  std::string folder;
  Format format = Format::plain_gzip;
  Recipients recipients;
  Parts parts{Part::checkpoint};
  bool chosen = false;  ///< somebody named the parts: what is left out is left out on purpose
};

/// Makes a backup of LangGraph's tables of these parts in one snapshot by pg_dump. What it returns is whole and on the disk: each
/// table has as many rows as the server counted in that same snapshot. Otherwise it throws, and nothing that looks like a
/// backup is left. (A custom one that is encrypted cannot be read back without the secret key: there pg_dump's word counts.)
/// `progress` gets the bytes of the dump before they are packed.
/// Throws Error: busy, configuration, connection_lost, child, failed (a full disk), difference.
Backup create(const db::ConnectionSettings& database, const Wish& wish, const Tools& tools, base::Pulse& pulse,
              const ProgressCall& progress);

}  // namespace wrktalk::backup
