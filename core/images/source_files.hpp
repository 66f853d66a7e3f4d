// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::images {

/// The files of a folder or of a tar archive, by their names from its top. Links that lead out of it are not followed.
class SourceFiles {
 public:
  virtual ~SourceFiles() = default;

  /// Every file's.
  virtual std::vector<std::string> names() const = 0;
  /// Nothing: there is no such file.
  virtual std::optional<std::int64_t> size(const std::string& name) const = 0;
  /// In order, in pieces. Throws Error(artifact) for one that is not there.
  virtual void read(const std::string& name, const std::function<void(std::string_view)>& sink,
                    base::Pulse& pulse) const = 0;
  /// The same for two names of one file.
  virtual std::string identity(const std::string& name) const = 0;
};

/// Throws Error(failed) for a path that cannot be read, Error(artifact) for a file that is no tar archive.
std::shared_ptr<const SourceFiles> open_files(const std::string& path, base::Pulse& pulse);

/// A file of at most `largest` bytes. Throws Error(artifact) also for a larger one.
std::string read_text(const SourceFiles& files, const std::string& name, std::int64_t largest, base::Pulse& pulse);

}  // namespace wrktalk::images
