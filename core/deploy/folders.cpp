// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/folders.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>

namespace wrktalk::deploy {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Kind;

constexpr std::size_t kNamesShown = 8;
constexpr std::chrono::milliseconds kBetweenTicks{100};

std::string inside(const std::string& folder, const std::string& name) { return folder + "/" + name; }

/// Removes with open folders, so that no entry can be exchanged for a link to elsewhere meanwhile.
class Remover {
 public:
  explicit Remover(base::Pulse& pulse) : pulse_(pulse) {}

  bool remove(int folder, const char* name) {
    if (next_.passed()) {
      pulse_.tick();
      next_ = base::Deadline::in(kBetweenTicks);
    }
    if (::unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR) return false;
    const bool clean = empty(folder, name);
    return (::unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) && clean;
  }

 private:
  bool empty(int folder, const char* name) {
    base::Fd opened(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened && errno == EACCES && ::fchmodat(folder, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) {
      opened.reset(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(opened ? ::fdopendir(opened.get()) : nullptr, ::closedir);
    if (!listing) return false;
    const int inner = opened.release();
    ::fchmod(inner, 0700);
    bool clean = true;
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view child = entry->d_name;
      if (child != "." && child != "..") clean = remove(inner, entry->d_name) && clean;
    }
    return clean;
  }

  base::Pulse& pulse_;
  base::Deadline next_ = base::Deadline::in(kBetweenTicks);
};

void make_folders(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      base::throw_errno(Kind::configuration, "cannot make the folder " + part, "check the permissions of its parent");
    }
    if (slash == std::string::npos) return;
  }
}

base::Fd open_locked(int parent, const std::string& name) {
  base::Fd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder && ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) folder.reset();
  return folder;
}

}  // namespace

base::Fd make_safe_folder(const std::string& path, mode_t mode) {
  base::require_trusted(path, "the folder " + path);
  make_folders(path, mode);
  base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) base::throw_errno(Kind::configuration, "cannot open the folder " + path, "check who owns it");
  return folder;
}

std::vector<std::string> entries(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
  if (!listing) return names;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_folder(const std::string& path) noexcept {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string find_in_tree(const std::string& tree, const std::vector<std::string>& names, const std::string& what) {
  const auto found = entries(tree);
  std::vector<std::string> candidates = {tree};
  for (const auto& name : found) {
    if (is_folder(inside(tree, name))) candidates.push_back(inside(tree, name));
  }
  if (candidates.size() > 2) candidates.resize(1);
  for (const auto& folder : candidates) {
    for (const auto& name : names) {
      if (base::exists(inside(folder, name))) return inside(folder, name);
    }
  }
  std::vector<std::string> shown(found.begin(),
                                 found.begin() + static_cast<std::ptrdiff_t>(std::min(found.size(), kNamesShown)));
  if (shown.size() < found.size()) shown.emplace_back("...");
  throw Error(
      Kind::artifact, "the release has no " + what + " at its top or in its one top folder",
      found.empty() ? "it is empty" : "look at what was packed: it holds " + base::one_line(base::join(shown, ", ")));
}

bool remove_in_steps(int folder, const std::string& name, base::Pulse& pulse) {
  return Remover(pulse).remove(folder, name.c_str());
}

void Places::add(const std::string& path) {
  if (!base::starts_with(path, "/")) return;
  std::error_code error;
  paths_.insert(fs::path(path).lexically_normal().string());
  const fs::path real = fs::weakly_canonical(path, error);
  if (error) return;
  paths_.insert(real.string());
  for (fs::path at = real; !at.empty(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) inodes_.emplace(info.st_dev, info.st_ino);
    if (at == at.root_path()) break;
  }
}

bool Places::are_in(const std::string& folder) const {
  std::error_code error;
  const std::string real = fs::weakly_canonical(folder, error).string();
  for (const auto& name : {folder, error ? folder : real}) {
    if (paths_.count(name) > 0) return true;
    const auto below = paths_.lower_bound(name + "/");
    if (below != paths_.end() && base::starts_with(*below, name + "/")) return true;
  }
  struct stat info {};
  return ::stat(folder.c_str(), &info) == 0 && inodes_.count({info.st_dev, info.st_ino}) > 0;
}

WorkFolder::WorkFolder(const std::string& parent, const std::string& prefix) {
  base::require_trusted(parent, "the folder " + parent);
  base::open_own_folder(AT_FDCWD, parent, parent, 0700);
  while (!lock_) {
    folder_.emplace(parent, prefix, base::TempDir::Holds::no_secrets);
    lock_ = open_locked(AT_FDCWD, folder_->path());
    // A sweeper may have met it before it was locked.
    if (lock_ && !base::exists(folder_->path())) lock_.reset();
  }
}

void WorkFolder::sweep(const std::string& parent) noexcept {
  try {
    if (!base::exists(parent)) return;
    const base::Fd folder = base::open_own_folder(AT_FDCWD, parent, parent, 0700);
    base::NoPulse quiet;
    for (const auto& name : entries(parent)) {
      const base::Fd unused = open_locked(folder.get(), name);
      if (unused) remove_in_steps(folder.get(), name, quiet);
    }
  } catch (const base::Error& e) {
    log::warn("deploy.tidy", std::string(e.what()) + ": nothing in it is removed");
  } catch (...) {
    // Out of memory: what is left is removed next time.
  }
}

}  // namespace wrktalk::deploy
