// SPDX-License-Identifier: Apache-2.0
#include "core/backup/prune.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <set>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

/// "2026-W05" of "20260131".
std::string iso_week(const std::string& day) {
  std::tm parts{};
  parts.tm_year = std::stoi(day.substr(0, 4)) - 1900;
  parts.tm_mon = std::stoi(day.substr(4, 2)) - 1;
  parts.tm_mday = std::stoi(day.substr(6, 2));
  parts.tm_hour = 12;
  const std::time_t noon = ::timegm(&parts);
  return utc_text(noon, "%G-W%V");
}

void keep_for(Verdict& verdict, const char* reason) {
  verdict.kept_for += (verdict.kept_for.empty() ? "" : ", ") + std::string(reason);
}

void keep_first_of_each(std::vector<Verdict>& verdicts, std::size_t count, const char* reason,
                        const std::function<std::string(const Backup&)>& period) {
  std::set<std::string> seen;
  for (auto& verdict : verdicts) {
    if (seen.size() == count) return;
    if (seen.insert(period(verdict.backup)).second) keep_for(verdict, reason);
  }
}

void keep_newest(std::vector<Verdict>& verdicts, const char* reason, std::string Record::*when) {
  const auto found = std::find_if(verdicts.begin(), verdicts.end(), [&](const Verdict& verdict) {
    return verdict.backup.record && !((*verdict.backup.record).*when).empty();
  });
  if (found != verdicts.end()) keep_for(*found, reason);
}

/// A backup that stays and whose bytes are as they were written.
void need_a_good_one(const std::vector<Verdict>& verdicts, base::Pulse& pulse) {
  for (const auto& [backup, kept_for] : verdicts) {
    if (kept_for.empty()) continue;
    try {
      check_sha256(backup, pulse, {});
      if (backup.record || read_sha256(backup.path)) return;
      log::warn("backup.unproven", "nothing beside it tells whether it is whole", {{"file", backup.file}});
    } catch (const Error& error) {
      // That it cannot be read here and now is no fault of the backup: nothing is removed then.
      if (error.kind() != Kind::difference) throw;
      log::warn("backup.damaged", error.what(), {{"file", backup.file}});
    }
  }
  throw Error(Kind::difference, "none of the backups that would stay is known to be good: nothing was removed",
              "make one with `wrktalk backup create`, then prune again");
}

}  // namespace

std::vector<Verdict> choose(const std::vector<Backup>& backups, const Keep& keep) {
  std::vector<Verdict> verdicts;
  for (const auto& backup : backups) verdicts.push_back({backup, {}});
  keep_first_of_each(verdicts, keep.daily, "daily", [](const Backup& backup) { return backup.name.day; });
  keep_first_of_each(verdicts, keep.weekly, "weekly", [](const Backup& backup) { return iso_week(backup.name.day); });
  keep_newest(verdicts, "last verified", &Record::verified_at);
  keep_newest(verdicts, "last restored", &Record::restored_at);
  return verdicts;
}

std::vector<Verdict> prune(const std::string& folder, const Keep& keep, bool dry_run, base::Pulse& pulse) {
  const FolderLock lock(folder);
  auto verdicts = choose(list(folder), keep);
  const auto goes = [](const Verdict& verdict) { return verdict.kept_for.empty(); };
  if (std::none_of(verdicts.begin(), verdicts.end(), goes)) return verdicts;
  need_a_good_one(verdicts, pulse);
  if (dry_run) return verdicts;
  for (auto it = verdicts.rbegin(); it != verdicts.rend(); ++it) {
    if (goes(*it)) remove(it->backup);
    pulse.tick();
  }
  base::fsync_directory(folder);
  return verdicts;
}

}  // namespace wrktalk::backup
