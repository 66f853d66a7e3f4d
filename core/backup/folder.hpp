// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/codec.hpp"
#include "core/backup/record.hpp"
#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The folder that backups lie in. A backup is a file `checkpoint_YYYYMMDD[_HHMMSS].KIND`, with NAME.sha256 and NAME.json beside
/// it; the file itself gets its name last, when it is whole and on the disk. As long as .NAME.part is there, NAME is only being
/// made or removed.
///
/// A backup of a whole database, made before a deployment (database.hpp), is `before_NAME_YYYYMMDD_HHMMSS.dump` in the same way.
namespace wrktalk::backup {

enum class Format { plain_gzip, plain_zstd, custom };
enum class Encryption { none, age, gpg };

/// What a file's name says.
struct Name {
  std::string day;   ///< "20260131", UTC
  std::string time;  ///< "021500", or empty for the first of its day
  Format format = Format::plain_gzip;
  Encryption encryption = Encryption::none;
  std::string database{};  ///< a whole one, by the name that releases call it; empty: the checkpoint tables
};

/// Nothing when it is not the name of a backup of the checkpoint tables.
std::optional<Name> parse_name(const std::string& file);
/// Nothing when it is not the name of a backup of this whole database.
std::optional<Name> parse_name(const std::string& file, const std::string& database);
std::string to_text(const Name& name);
Packing packing(Format format) noexcept;

struct Backup {
  std::string path;
  std::string file;  ///< the last part of `path`
  Name name;
  std::uint64_t size_bytes = 0;
  std::int64_t made_at = 0;      ///< by its file, in seconds since 1970
  std::optional<Record> record;  ///< nothing beside a file that somebody else made
};

/// The backups in a folder, newest first. Throws Error(configuration) when the folder cannot be read.
std::vector<Backup> list(const std::string& folder);
/// Those of a whole database.
std::vector<Backup> list_of(const std::string& folder, const std::string& database);

/// The newest of them, without its record; nothing when there is none. Throws as `list`.
std::optional<Backup> newest(const std::string& folder);

/// One file, wherever it lies; its name must be a backup's. Throws Error(configuration | usage).
Backup find(const std::string& path);
/// The same of a whole database's.
Backup find_of(const std::string& path, const std::string& database);

/// The folder for one writer alone: who comes second gets Error(busy) with who is there. Gone with the process.
/// What a writer that was killed has left half made or half removed goes.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);

 private:
  base::Fd file_;
};

/// The name of a backup begun now: of the day, or with the time when this day has one already.
/// Waits for the next second when that is taken too.
Name free_name(const std::string& folder, Format format, Encryption encryption, base::Pulse& pulse);
/// The same of a whole database, always with the time.
Name free_name_of(const std::string& folder, const std::string& database, base::Pulse& pulse);

/// `FOLDER/.NAME.part` of `FOLDER/NAME`.
std::string part_path(const std::string& path);

/// Removes NAME.sha256 and NAME.json of the backup at `path`, and what an interrupted writer of these left.
/// Throws Error(failed).
void remove_beside(const std::string& path);

/// Removes a backup and what lies beside it; killed in between, the next FolderLock goes on. Throws Error(failed).
void remove(const Backup& backup);

}  // namespace wrktalk::backup
