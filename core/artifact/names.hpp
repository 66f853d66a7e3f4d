// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wrktalk::artifact {

/// The paths an archive has named so far, as 62-bit hashes with a random seed: 9 to 19 bytes a path however long it is.
/// Two paths that share a hash (one chance in 10^8 for an archive of 200,000) are taken for the same: an archive may be
/// refused for no reason then, never let through.
class Names {
 public:
  Names();

  /// False when the path cannot be: it was named before, or it leads through something that is no folder.
  /// `path` is as in Entry; the folders it leads through are remembered.
  bool add(std::string_view path, bool is_folder);

 private:
  enum Kind : std::uint64_t { none = 0, implied_folder = 1, folder = 2, leaf = 3 };
  std::uint64_t& slot(std::uint64_t hash);
  void set(std::uint64_t hash, Kind kind);

  std::vector<std::uint64_t> slots_;  ///< open addressing; a hash with a Kind in its low bits, zero when free
  std::size_t used_ = 0;
  std::uint64_t seed_;
};

}  // namespace wrktalk::artifact
