// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/input.hpp"
#include "core/base/pulse.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace wrktalk::backup {

struct Keep {
  std::size_t daily = 7;   ///< the newest backup of each of the last days that have one
  std::size_t weekly = 4;  ///< the newest of each of the last ISO weeks that have one
};

struct Verdict {
  Backup backup;
  std::string kept_for;  ///< "daily, weekly", "last verified"; empty: it goes
};

/// Decides alone. `backups` are newest first, as `list` gives them. Days and weeks without a backup do not count, so that
/// backups which failed evict none that is good. The newest backup that `backup verify` found good stays, and so does the
/// newest one that it restored.
std::vector<Verdict> choose(const std::vector<Backup>& backups, const Keep& keep);

/// Removes what `choose` lets go, oldest first, after one that stays was read and its digest is right: without such a one
/// nothing is removed, Error(difference). Takes the folder's lock. Returns what was decided for each.
std::vector<Verdict> prune(const std::string& folder, const Keep& keep, bool dry_run, base::Pulse& pulse);

}  // namespace wrktalk::backup
