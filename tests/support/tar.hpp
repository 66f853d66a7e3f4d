// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wrktalk::test {

/// A tar archive in memory, written header by header so that it can be as hostile as a test wants.
class Tar {
 public:
  Tar& file(const std::string& path, std::string_view content, unsigned mode = 0644);
  Tar& folder(const std::string& path, unsigned mode = 0755);
  Tar& link(const std::string& path, const std::string& target);
  /// Any entry: `type` is ustar's type flag ('1' hard link, '3' device, '6' fifo, 'x' extended header, ...); `claimed` is the
  /// size that the header tells.
  Tar& entry(char type, const std::string& path, std::string_view content, unsigned mode, const std::string& target,
             std::size_t claimed);
  /// The archive with its end mark.
  std::string bytes() const;
  /// Without the end mark.
  const std::string& unfinished() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// Packed as gzip does, one member.
std::string gzip(std::string_view bytes);

}  // namespace wrktalk::test
