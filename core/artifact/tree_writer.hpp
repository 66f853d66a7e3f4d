// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/unpack.hpp"
#include "core/base/fd.hpp"

#include <string>
#include <vector>

namespace wrktalk::artifact {

/// Writes entries below a folder. Every part of a path is opened from the one above it and links are never followed, so
/// nothing can be written elsewhere whatever lies there. Files must be new; owners are the process's; modes and the time of
/// the last change are the entry's, whatever the umask.
class TreeWriter : public Receiver {
 public:
  /// `root`: a folder nobody else writes to; the descriptor must outlive this.
  explicit TreeWriter(int root) : root_(root) {}

  void entry(const Entry& entry) override;
  void data(std::string_view bytes) override;

  /// Ends the last file. Call it once everything was received.
  void finish();

 private:
  struct Level {
    std::string name;
    base::Fd folder;
  };
  int enter(std::string_view path);

  int root_;
  std::vector<Level> levels_;  ///< the folder entered last, from the top down
  base::Fd file_;
  Entry current_;
};

}  // namespace wrktalk::artifact
