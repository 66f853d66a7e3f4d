// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"

#include <string>

namespace wrktalk::artifact {

/// A private folder (0700) beside a destination, to be filled and then put in its place.
///
/// Its name is `.NAME.part-XXXXXX`, which no version can have. While its owner lives it is locked (flock); a process that is
/// killed leaves it unlocked, and the next Staging in the same parent removes it. Where the file system has no such
/// locks on folders, left-overs stay.
class Staging {
 public:
  /// The destination's parent must exist. Throws Error(failed).
  Staging(const std::string& destination, base::Pulse& pulse);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  /// Removes the folder with all it holds, unless it was published.
  ~Staging();

  int folder() const noexcept { return folder_.get(); }

  /// Brings the content to disk (one syncfs), gives the folder mode 0755 and renames it to the destination; what was there
  /// is exchanged in the same step and then removed. Throws Error(failed) with nothing changed; the
  /// pulse may also throw when all is done.
  void publish(base::Pulse& pulse);

 private:
  void remove_left_overs(base::Pulse& pulse) const;
  void exchange();

  std::string destination_;
  std::string parent_;
  std::string path_;
  base::Fd folder_;
};

}  // namespace wrktalk::artifact
