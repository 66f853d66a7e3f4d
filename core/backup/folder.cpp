// SPDX-License-Identifier: Apache-2.0
#include "core/backup/folder.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <regex>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kLockFile = ".wrktalk-backup.lock";
constexpr std::string_view kPartSuffix = ".part";
constexpr std::string_view kWhole = "before_";

struct Suffix {
  Format format;
  const char* text;
};
constexpr Suffix kSuffixes[] = {
    {Format::plain_gzip, ".sql.gz"}, {Format::plain_zstd, ".sql.zst"}, {Format::custom, ".dump"}};

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    files.push_back(it->path().filename().string());
  }
  if (error) {
    throw Error(Kind::configuration, "cannot read the folder " + folder + ": " + error.message(),
                "make the folder, or name the one that backups lie in with --dir");
  }
  return files;
}

Backup backup_at(const std::string& folder, const std::string& file, const Name& name) {
  Backup backup;
  backup.path = folder + "/" + file;
  backup.file = file;
  backup.name = name;
  struct stat info {};
  if (::stat(backup.path.c_str(), &info) != 0) {
    base::throw_errno(Kind::configuration, "cannot find " + backup.path, "see `wrktalk backup list`");
  }
  backup.size_bytes = static_cast<std::uint64_t>(info.st_size);
  backup.made_at = info.st_mtim.tv_sec;
  return backup;
}

[[noreturn]] void cannot_remove(const std::string& path) {
  throw Error(Kind::failed, "cannot remove " + path, "check who owns the folder and the file");
}

bool is_newer(const Backup& a, const Backup& b) {
  return std::tie(a.name.day, a.name.time, a.file) > std::tie(b.name.day, b.name.time, b.file);
}

void sweep(const std::string& folder) {
  for (const auto& part : files_in(folder)) {
    const bool is_ours = base::starts_with(part, ".checkpoint_") || base::starts_with(part, "." + std::string(kWhole));
    if (!is_ours || !base::ends_with(part, kPartSuffix)) continue;
    log::warn("backup.swept", "removing what an interrupted run left", {{"file", part}});
    const std::string path = folder + "/" + part.substr(1, part.size() - 1 - kPartSuffix.size());
    if (!base::exists(path)) remove_beside(path);
    base::remove_tree(folder + "/" + part);
  }
}

}  // namespace

std::string part_path(const std::string& path) {
  const std::size_t file = path.rfind('/') + 1;
  return path.substr(0, file) + "." + path.substr(file) + std::string(kPartSuffix);
}

void remove_beside(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = path.substr(0, slash);
  const std::string file = path.substr(slash + 1);
  for (const auto& other : files_in(folder)) {
    const bool beside = base::starts_with(other, file + ".json") || base::starts_with(other, file + ".sha256");
    if (beside && !base::remove_tree(folder + "/" + other)) cannot_remove(folder + "/" + other);
  }
}

std::optional<Name> parse_name(const std::string& file) {
  static const std::regex pattern(
      "checkpoint_([0-9]{8})(?:_([0-9]{6}))?(\\.sql\\.gz|\\.sql\\.zst|\\.dump)(\\.age|\\.gpg)?");
  std::smatch match;
  if (!std::regex_match(file, match, pattern)) return std::nullopt;
  Name name;
  name.day = match[1];
  name.time = match[2];
  for (const auto& suffix : kSuffixes) {
    if (match[3] == suffix.text) name.format = suffix.format;
  }
  if (match[4] == ".age") name.encryption = Encryption::age;
  if (match[4] == ".gpg") name.encryption = Encryption::gpg;
  return name;
}

std::optional<Name> parse_name(const std::string& file, const std::string& database) {
  static const std::regex pattern("([0-9]{8})_([0-9]{6})\\.dump");
  const std::string head = std::string(kWhole) + database + "_";
  if (!base::starts_with(file, head)) return std::nullopt;
  const std::string rest = file.substr(head.size());
  std::smatch match;
  if (!std::regex_match(rest, match, pattern)) return std::nullopt;
  return Name{match[1], match[2], Format::custom, Encryption::none, database};
}

std::string to_text(const Name& name) {
  std::string text = (name.database.empty() ? "checkpoint" : std::string(kWhole) + name.database) + "_" + name.day;
  if (!name.time.empty()) text += "_" + name.time;
  for (const auto& suffix : kSuffixes) {
    if (name.format == suffix.format) text += suffix.text;
  }
  if (name.encryption == Encryption::age) text += ".age";
  if (name.encryption == Encryption::gpg) text += ".gpg";
  return text;
}

Packing packing(Format format) noexcept {
  switch (format) {
    case Format::plain_gzip: return Packing::gzip;
    case Format::plain_zstd: return Packing::zstd;
    case Format::custom: break;
  }
  return Packing::none;
}

namespace {

using Parse = std::function<std::optional<Name>(const std::string& file)>;

std::vector<Backup> list_by(const std::string& folder, const Parse& parse) {
  std::vector<Backup> backups;
  for (const auto& file : files_in(folder)) {
    const auto name = parse(file);
    if (!name) continue;
    Backup backup = backup_at(folder, file, *name);
    try {
      backup.record = read_record(backup.path);
    } catch (const Error& error) {
      // One damaged record must not hide the other backups; `verify` names it.
      log::warn("backup.record", error.what());
    }
    backups.push_back(std::move(backup));
  }
  std::sort(backups.begin(), backups.end(), is_newer);
  return backups;
}

}  // namespace

std::vector<Backup> list(const std::string& folder) {
  return list_by(folder, [](const std::string& file) { return parse_name(file); });
}

std::vector<Backup> list_of(const std::string& folder, const std::string& database) {
  return list_by(folder, [&](const std::string& file) { return parse_name(file, database); });
}

std::optional<Backup> newest(const std::string& folder) {
  std::optional<Backup> found;
  for (const auto& file : files_in(folder)) {
    const auto name = parse_name(file);
    if (!name) continue;
    Backup backup = backup_at(folder, file, *name);
    if (!found || is_newer(backup, *found)) found = std::move(backup);
  }
  return found;
}

Backup find(const std::string& path) {
  const std::string whole = base::absolute(path);
  const std::size_t slash = whole.rfind('/');
  const std::string file = whole.substr(slash + 1);
  const auto name = parse_name(file);
  if (!name) {
    throw Error(Kind::usage, path + " has not the name of a backup",
                "name it checkpoint_YYYYMMDD.sql.gz, .sql.zst or .dump, and .age or .gpg behind it when encrypted");
  }
  Backup backup = backup_at(whole.substr(0, slash), file, *name);
  backup.record = read_record(backup.path);
  return backup;
}

Backup find_of(const std::string& path, const std::string& database) {
  const std::size_t slash = path.rfind('/');
  const auto name = parse_name(path.substr(slash + 1), database);
  if (!name) throw Error(Kind::failed, path + " has not the name of a backup of database " + database);
  Backup backup = backup_at(path.substr(0, slash), path.substr(slash + 1), *name);
  backup.record = read_record(backup.path);
  return backup;
}

FolderLock::FolderLock(const std::string& folder) {
  const std::string path = folder + "/" + kLockFile;
  file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) {
    base::throw_errno(Kind::configuration, "cannot write in the folder " + folder,
                      "make the folder, mount the volume, or name another with --dir");
  }
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (base::is_unsupported(errno)) {
      // What another run is writing cannot be told from what one left behind.
      log::warn("backup.no_lock",
                folder + ": its file system locks no files (" + std::strerror(errno) +
                    "): nothing keeps two runs apart, and what interrupted ones left stays",
                {{"hint", "see that one backup runs there at a time"}});
      return;
    }
    if (errno != EWOULDBLOCK) base::throw_errno(Kind::failed, "cannot lock " + path);
    const std::string holder = base::trim(base::read_file_if_exists(path, 200).value_or(""));
    throw Error(Kind::busy, "another backup works in " + folder + (holder.empty() ? "" : ": " + holder),
                "wait for it, or end it if it hangs");
  }
  const std::string holder = "pid " + std::to_string(::getpid()) + " since " + utc_text(std::time(nullptr)) + "\n";
  if (::ftruncate(file_.get(), 0) != 0 || ::pwrite(file_.get(), holder.data(), holder.size(), 0) < 0) {
    log::debug("backup.lock", "the holder's name could not be written: a full disk does not unlock");
  }
  sweep(folder);
}

Name free_name(const std::string& folder, Format format, Encryption encryption, base::Pulse& pulse) {
  const auto backups = list(folder);
  const auto is_taken = [&](const Name& name) {
    return std::any_of(backups.begin(), backups.end(),
                       [&](const Backup& other) { return other.name.day == name.day && other.name.time == name.time; });
  };
  for (;;) {
    const std::int64_t now = std::time(nullptr);
    Name name{utc_text(now, "%Y%m%d"), "", format, encryption};
    if (!is_taken(name)) return name;
    name.time = utc_text(now, "%H%M%S");
    if (!is_taken(name)) return name;
    base::pause(pulse, base::Deadline::in(std::chrono::milliseconds(100)));
  }
}

Name free_name_of(const std::string& folder, const std::string& database, base::Pulse& pulse) {
  for (;;) {
    const std::int64_t now = std::time(nullptr);
    Name name{utc_text(now, "%Y%m%d"), utc_text(now, "%H%M%S"), Format::custom, Encryption::none, database};
    if (!base::exists(folder + "/" + to_text(name))) return name;
    base::pause(pulse, base::Deadline::in(std::chrono::milliseconds(100)));
  }
}

void remove(const Backup& backup) {
  const std::string part = part_path(backup.path);
  if (std::rename(backup.path.c_str(), part.c_str()) != 0) cannot_remove(backup.path);
  base::crash_point("backup.remove");
  remove_beside(backup.path);
  if (!base::remove_tree(part)) cannot_remove(part);
}

}  // namespace wrktalk::backup
