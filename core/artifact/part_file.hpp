// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/files.hpp"

#include <string>
#include <string_view>

namespace wrktalk::artifact {

/// A new file beside its destination; unlinked unless it was put in place. A process that is killed leaves DESTINATION.part-XXXXXX.
class PartFile {
 public:
  /// Throws Error(failed).
  explicit PartFile(const std::string& destination);
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile();

  void write(std::string_view bytes);
  /// Waits until it is on the disk, and renames it over the destination. May take long: call it by run_blocking.
  void commit();

 private:
  std::string destination_;
  std::string path_;
  base::Fd file_;
};

}  // namespace wrktalk::artifact
