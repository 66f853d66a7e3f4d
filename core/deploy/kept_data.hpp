// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/trees.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// What of a host target's trees is the site's: the paths that its releases keep. They live in ROOT/data under the same names, and each tree has a link there
/// instead. Nothing of it is ever removed, and every verb may be ended at any moment and called again.
class KeptData {
 public:
  KeptData(const Trees& trees, std::string root) : trees_(trees), root_(std::move(root)) {}

  /// Makes the links in `tree`, which was just unpacked. What its archive has there lies in TREE/.wrktalk-release/PATH from then on. Throws Error(artifact) for
  /// a path that leads through a link of the archive.
  void link_into(const std::string& tree, const std::vector<std::string>& keep) const;

  /// Before `tree` becomes what runs: what the tree `running` still holds itself goes to ROOT/data, with a link in its place; where the site has nothing yet it
  /// gets what the archive brings, else an empty folder (nothing for a name with a dot, which is taken for a file). Returns a sentence for people; empty when
  /// nothing was moved. Throws Error(failed).
  std::string provide(const std::string& tree, const std::vector<std::string>& keep,
                      const std::optional<std::string>& running, base::Pulse& pulse) const;

  /// Gives `tree` the links that it lacks because whoever moved its data was killed.
  void mend(const std::string& tree) const;

  /// Where the data really lies.
  std::vector<std::string> places() const;

 private:
  std::string data() const { return root_ + "/data"; }
  std::string link_text(const std::string& tree_root, const std::string& path) const;
  std::vector<std::string> moved_from(const std::string& running, const std::vector<std::string>& paths,
                                      base::Pulse& pulse) const;
  bool seed(const std::string& tree_root, const std::string& path, base::Pulse& pulse) const;

  const Trees& trees_;
  std::string root_;
};

}  // namespace wrktalk::deploy
