// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/files.hpp"

#include <cstdint>
#include <string>

namespace wrktalk::transfer {

/// A folder below $TMPDIR for images on their way. It goes with the object; what a process that was killed left there is removed when the next one
/// is made.
class Spool {
 public:
  Spool();

  const std::string& path() const noexcept { return folder_.path(); }
  /// Throws Error(failed) when `bytes` do not fit where it lies.
  void need_space(std::int64_t bytes) const;
  /// Bytes that lie there now.
  std::int64_t used() const;

 private:
  base::TempDir folder_;
  base::Fd lock_;  ///< held as long as we live: says that the folder is in use
};

}  // namespace wrktalk::transfer
