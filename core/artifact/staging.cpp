// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/staging.hpp"

#include "core/artifact/run_blocking.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace wrktalk::artifact {
namespace {

using base::Fd;
using base::Kind;

constexpr const char* kMark = ".part-";
constexpr std::size_t kRandom = 6;  // mkdtemp's characters

Fd open_folder(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_left_over(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  return name.front() == '.' && mark != std::string::npos && mark + std::string(kMark).size() + kRandom == name.size();
}

/// Locked, and still there: whoever removes left-overs may have come between its making and its locking.
bool is_ours(const Fd& folder) {
  struct stat info {};
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  return ::fstat(folder.get(), &info) == 0 && info.st_nlink > 0;
}

}  // namespace

Staging::Staging(const std::string& destination, base::Pulse& pulse)
    : destination_(base::absolute(destination)), parent_(std::filesystem::path(destination_).parent_path()) {
  remove_left_overs(pulse);
  const std::string name = std::filesystem::path(destination_).filename();
  do {
    path_ = parent_ + "/." + name + kMark + "XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
      base::throw_errno(Kind::failed, "cannot make a folder in " + parent_, "check that it exists and is writable");
    }
    folder_ = open_folder(path_);
  } while (!folder_ || !is_ours(folder_));
}

Staging::~Staging() {
  if (!path_.empty()) base::remove_tree(path_);
}

void Staging::remove_left_overs(base::Pulse& pulse) const {
  std::error_code error;
  for (std::filesystem::directory_iterator at(parent_, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path();
    if (!is_left_over(at->path().filename())) continue;
    const Fd folder = open_folder(path);
    if (!folder || ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) continue;
    run_blocking(pulse, [&] { base::remove_tree(path); });
  }
}

void Staging::exchange() {
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno == ENOENT) {
    if (::rename(path_.c_str(), destination_.c_str()) == 0) {
      path_.clear();
      return;
    }
  } else if (errno == EINVAL) {
    // A file system that cannot exchange: for a moment there is nothing at the destination.
    const std::string old = path_.substr(0, path_.size() - kRandom) + "------";
    base::remove_tree(old);
    if (::rename(destination_.c_str(), old.c_str()) == 0) {
      if (::rename(path_.c_str(), destination_.c_str()) == 0) {
        path_ = old;
        return;
      }
      const int reason = errno;
      ::rename(old.c_str(), destination_.c_str());
      errno = reason;
    }
  }
  base::throw_errno(Kind::failed, "cannot rename the unpacked release to " + destination_);
}

void Staging::publish(base::Pulse& pulse) {
  run_blocking(pulse, [this] {
    if (::fchmod(folder_.get(), 0755) != 0 || ::syncfs(folder_.get()) != 0) {
      base::throw_errno(Kind::failed, "cannot bring the unpacked release to disk below " + parent_,
                        "check the free space and the health of that disk");
    }
  });
  exchange();
  base::fsync_directory(parent_);
  const std::string old = std::exchange(path_, std::string());
  if (!old.empty()) run_blocking(pulse, [&] { base::remove_tree(old); });
}

}  // namespace wrktalk::artifact
