// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/spool.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace wrktalk::transfer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "wrktalk-transfer-";
constexpr const char* kMark =
    "/in-use";  ///< made when the lock is held: without it the folder may be one that is just being made

/// The folder when it is ours and nobody uses it, held from now on.
base::Fd lock_folder(const std::string& path) {
  base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!folder || ::fstat(folder.get(), &info) != 0 || info.st_uid != ::geteuid()) return {};
  return ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(folder) : base::Fd();
}

void sweep() {
  std::error_code error;
  for (fs::directory_iterator it(base::temporary_parent(), error), end; !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    if (!base::starts_with(it->path().filename().string(), kPrefix) || !base::exists(path + kMark)) continue;
    const base::Fd held = lock_folder(path);
    if (!held) continue;
    log::info("transfer.swept", "removing images that an interrupted command left", {{"folder", path}});
    base::remove_tree(path);
  }
}

base::TempDir swept_folder() {
  sweep();
  return {base::temporary_parent(), kPrefix, base::TempDir::Holds::no_secrets};
}

}  // namespace

Spool::Spool() : folder_(swept_folder()), lock_(lock_folder(folder_.path())) {
  base::write_private_file(path() + kMark, "");
}

void Spool::need_space(std::int64_t bytes) const {
  struct statvfs info {};
  if (::statvfs(path().c_str(), &info) != 0) return;
  const auto free = static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
  if (bytes <= free) return;
  throw base::Error(base::Kind::failed,
                    base::temporary_parent() + " has " + base::human_size(static_cast<std::uint64_t>(free)) +
                        " left, and an image on its way needs " + base::human_size(static_cast<std::uint64_t>(bytes)),
                    "make room there, or name a larger folder in TMPDIR");
}

std::int64_t Spool::used() const {
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(path(), error), end; !error && it != end; it.increment(error)) {
    struct stat info {};
    constexpr std::int64_t kBlock = 512;
    // Blocks, not sizes: what stands for a blob that nobody needs has none.
    if (::lstat(it->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) bytes += info.st_blocks * kBlock;
  }
  return bytes;
}

}  // namespace wrktalk::transfer
