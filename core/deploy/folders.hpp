// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/files.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/// The folders that release trees lie in.
namespace wrktalk::deploy {

/// Makes a folder and its parents. Where others may write too (as in /tmp), what is there already must be a real folder of
/// ours that nobody else can write to: names there are known to everybody. Throws Error(configuration).
void make_safe_folder(const std::string& path, mode_t mode);

/// Names in a folder, sorted; none when it cannot be read.
std::vector<std::string> entries(const std::string& folder);
bool is_folder(const std::string& path) noexcept;

/// `tree`, or the one folder in it, whichever holds one of `names`; the path of that file.
/// Throws Error(artifact) that says what was found instead; `what` is what is missing ("Chart.yaml").
std::string find_in_tree(const std::string& tree, const std::vector<std::string>& names, const std::string& what);

/// Removes what lies in `folder` and is not named in `keep`. Never throws.
void remove_others(const std::string& folder, const std::vector<std::string>& keep) noexcept;

/// A task's private working folder, marked as in use by a lock that ends with the process, however that ends.
class WorkFolder {
 public:
  /// A new one in `parent`; its name begins with `prefix`.
  WorkFolder(const std::string& parent, const std::string& prefix);

  const std::string& path() const noexcept { return folder_->path(); }
  /// Removes the folders in `parent` that nobody uses any more.
  static void sweep(const std::string& parent) noexcept;

 private:
  std::optional<base::TempDir> folder_;
  base::Fd lock_;
};

}  // namespace wrktalk::deploy
