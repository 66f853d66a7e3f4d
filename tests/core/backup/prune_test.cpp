// SPDX-License-Identifier: Apache-2.0
#include "core/backup/prune.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/sha256.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk;
using namespace wrktalk::backup;

namespace {

Backup made(const std::string& file, const std::string& verified_at = {}) {
  Backup backup;
  backup.file = file;
  backup.name = parse_name(file).value();
  backup.record = Record{};
  backup.record->verified_at = verified_at;
  return backup;
}

/// The files that stay, with a blank between.
std::string kept(const std::vector<Backup>& backups, const Keep& keep) {
  std::string text;
  for (const auto& [backup, kept_for] : choose(backups, keep)) {
    if (!kept_for.empty()) text += backup.name.day + backup.name.time + " ";
  }
  return text;
}

/// A backup's file, with its digest beside it.
void put(const std::string& folder, const std::string& file) {
  Record record;
  record.sha256 = base::sha256_hex(file);
  write_record(folder + "/" + file, record);
  base::write_file(folder + "/" + file, file, 0600);
}

}  // namespace

TEST_SUITE("backup::prune") {
  TEST_CASE("names are told and read the same way, and others are none") {
    for (const std::string file : {"checkpoint_20260131.sql.gz", "checkpoint_20260131_021500.sql.zst.age",
                                   "checkpoint_20260131.dump.gpg", "checkpoint_20260131.dump"}) {
      REQUIRE(parse_name(file));
      CHECK(to_text(*parse_name(file)) == file);
    }
    for (const std::string file : {".checkpoint_20260131.sql.gz.part", "checkpoint_20260131.sql.gz.sha256",
                                   "checkpoint_20260131.sql", "checkpoint_2026.sql.gz", "other.sql.gz"}) {
      CHECK_FALSE(parse_name(file));
    }
  }

  TEST_CASE("of each day and each ISO week with a backup the newest stays") {
    // 2026-01-01 is a Thursday of 2026-W01, which began on 2025-12-29.
    const std::vector<Backup> backups = {made("checkpoint_20260105_120000.sql.gz"), made("checkpoint_20260105.sql.gz"),
                                         made("checkpoint_20260101.sql.gz"),        made("checkpoint_20251229.sql.gz"),
                                         made("checkpoint_20251228.sql.gz"),        made("checkpoint_20250601.sql.gz")};
    CHECK(kept(backups, {1, 0}) == "20260105120000 ");
    CHECK(kept(backups, {3, 0}) == "20260105120000 20260101 20251229 ");
    CHECK(kept(backups, {0, 2}) == "20260105120000 20260101 ");
    CHECK(kept(backups, {0, 4}) == "20260105120000 20260101 20251228 20250601 ");
    CHECK(kept(backups, {2, 3}) == "20260105120000 20260101 20251228 ");
  }

  TEST_CASE("the last verified one stays, however old") {
    const std::vector<Backup> backups = {made("checkpoint_20260105.sql.gz"), made("checkpoint_20260104.sql.gz"),
                                         made("checkpoint_20250105.sql.gz", "2026-01-02T00:00:00Z"),
                                         made("checkpoint_20240105.sql.gz", "2025-01-02T00:00:00Z")};
    CHECK(kept(backups, {1, 0}) == "20260105 20250105 ");
  }

  TEST_CASE("nothing is removed unless one that stays is good") {
    const base::TempDir dir("/tmp", "prune-test-");
    base::NoPulse pulse;
    for (const char* file :
         {"checkpoint_20260101.sql.gz", "checkpoint_20260102.sql.gz", "checkpoint_20260103.sql.gz"}) {
      put(dir.path(), file);
    }
    base::write_file(dir.path() + "/checkpoint_20260103.sql.gz", "rotten", 0600);
    CHECK_THROWS_AS(prune(dir.path(), {1, 0}, false, pulse), base::Error);
    CHECK(list(dir.path()).size() == 3);
    prune(dir.path(), {2, 0}, true, pulse);
    CHECK(list(dir.path()).size() == 3);
    prune(dir.path(), {2, 0}, false, pulse);
    CHECK(list(dir.path()).size() == 2);
    CHECK_FALSE(base::exists(dir.path() + "/checkpoint_20260101.sql.gz.json"));
  }
}
