// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/folders.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kNamesShown = 8;

std::string inside(const std::string& folder, const std::string& name) { return folder + "/" + name; }

base::Fd open_locked(const std::string& path) {
  base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder && ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) folder.reset();
  return folder;
}

}  // namespace

void make_safe_folder(const std::string& path, mode_t mode) {
  bool shared = false;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const bool made = ::mkdir(part.c_str(), mode) == 0;
    if (!made && errno != EEXIST) {
      base::throw_errno(Kind::configuration, "cannot make the folder " + part, "check the permissions of its parent");
    }
    struct stat info {};
    if (::lstat(part.c_str(), &info) != 0) base::throw_errno(Kind::configuration, "cannot look at " + part);
    if (shared && (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 022) != 0)) {
      throw Error(Kind::configuration, part + " is not a folder that only we can write to",
                  "remove it, or configure another folder");
    }
    if (S_ISLNK(info.st_mode) && ::stat(part.c_str(), &info) != 0) {
      base::throw_errno(Kind::configuration, "cannot look at " + part);
    }
    if (!S_ISDIR(info.st_mode)) throw Error(Kind::configuration, part + " is not a folder");
    shared = (info.st_mode & S_IWOTH) != 0;
    if (slash == std::string::npos) return;
  }
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

void remove_others(const std::string& folder, const std::vector<std::string>& keep) noexcept {
  try {
    for (const auto& name : entries(folder)) {
      if (std::find(keep.begin(), keep.end(), name) != keep.end()) continue;
      if (!base::remove_tree(inside(folder, name)))
        log::warn("deploy.tidy", "cannot remove all of " + inside(folder, name));
    }
  } catch (...) {
    // Out of memory: what is left is removed next time.
  }
}

WorkFolder::WorkFolder(const std::string& parent, const std::string& prefix) {
  make_safe_folder(parent, 0700);
  while (!lock_) {
    folder_.emplace(parent, prefix, base::TempDir::Holds::no_secrets);
    lock_ = open_locked(folder_->path());
    // A sweeper may have met it before it was locked.
    if (lock_ && !base::exists(folder_->path())) lock_.reset();
  }
}

void WorkFolder::sweep(const std::string& parent) noexcept {
  try {
    for (const auto& name : entries(parent)) {
      const base::Fd unused = open_locked(inside(parent, name));
      if (unused) base::remove_tree(inside(parent, name));
    }
  } catch (...) {
    // Out of memory: what is left is removed next time.
  }
}

}  // namespace wrktalk::deploy
