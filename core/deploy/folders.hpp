// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/pulse.hpp"

#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

/// The folders that release trees lie in.
namespace wrktalk::deploy {

/// Makes a folder and its parents, and opens it. Nobody but root and us may be able to exchange any part of its way (base::distrust), and
/// nothing is made where somebody is. Throws Error(configuration).
base::Fd make_safe_folder(const std::string& path, mode_t mode);

/// Names in a folder, sorted; none when it cannot be read.
std::vector<std::string> entries(const std::string& folder);
bool is_folder(const std::string& path) noexcept;

/// `tree`, or the one folder in it, whichever holds one of `names`; the path of that file.
/// Throws Error(artifact) that says what was found instead; `what` is what is missing ("Chart.yaml").
std::string find_in_tree(const std::string& tree, const std::vector<std::string>& names, const std::string& what);

/// Removes the tree `name` of an open folder entry by entry without following links, ticking the pulse every 100 ms; what the pulse throws
/// ends it, and the rest stays. False when something could not be removed.
bool remove_in_steps(int folder, const std::string& name, base::Pulse& pulse);

/// Which folders something uses, however their paths are written: by what a path says, and by device and inode of where it leads to.
class Places {
 public:
  /// The file or folder that `path` leads to, and all folders above it. What does not exist counts by its path; a relative path is
  /// passed over.
  void add(const std::string& path);
  /// Whether something that was added lies in `folder`, or is it.
  bool are_in(const std::string& folder) const;

 private:
  std::set<std::string> paths_;
  std::set<std::pair<dev_t, ino_t>> inodes_;
};

/// A task's private working folder, marked as in use by a lock that ends with the process, however that ends.
class WorkFolder {
 public:
  /// A new one in `parent`; its name begins with `prefix`.
  WorkFolder(const std::string& parent, const std::string& prefix);

  const std::string& path() const noexcept { return folder_->path(); }
  /// Removes the folders in `parent` that nobody uses any more; nothing when `parent` is not our own folder.
  static void sweep(const std::string& parent) noexcept;

 private:
  std::optional<base::TempDir> folder_;
  base::Fd lock_;
};

}  // namespace wrktalk::deploy
