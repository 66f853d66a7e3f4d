// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/source.hpp"
#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace wrktalk::artifact {

/// A tar archive whose files are read in any order, as often as wanted. One that is packed is unpacked once, into a temporary file below
/// $TMPDIR that has no name; files are never unpacked. Memory does not depend on the archive's size.
class TarFile {
 public:
  struct Entry {
    std::uint64_t size = 0;
    std::int64_t position = 0;  ///< of its headers
    std::string link;           ///< of a symbolic or hard link: where it leads, from the archive's top; else empty
  };

  /// Throws Error(failed) when `path` cannot be read, Error(artifact) when it is no whole tar archive or has too many entries.
  TarFile(const std::string& path, base::Pulse& pulse);

  /// Files and links by their names, without "./" in front; of several with one name the last.
  const std::map<std::string, Entry>& entries() const noexcept { return entries_; }

  /// Hands a file's bytes to `sink` in order. Throws Error(artifact) for what is cut short or sparse; what `sink` throws passes through.
  void read(const Entry& entry, const std::function<void(std::string_view)>& sink, base::Pulse& pulse) const;

 private:
  void index(base::Pulse& pulse);

  std::string path_;
  base::Fd file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace wrktalk::artifact
