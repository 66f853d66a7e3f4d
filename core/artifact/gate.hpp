// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/limits.hpp"
#include "core/artifact/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace wrktalk::artifact {

/// An archive's entry as its header tells it.
struct Header {
  enum class Type { file, folder, symbolic_link, hard_link, other };
  Type type = Type::other;
  std::string path;
  std::string link_target;
  mode_t mode = 0;  ///< permission bits with setuid, setgid, sticky
  std::int64_t modified = 0;
};

/// An entry that is safe to create below an empty folder in which nothing follows links.
struct Entry {
  enum class Type { file, folder, link };
  Type type = Type::file;
  std::string path;         ///< relative, no empty, "." or ".." part, no slash at its end
  std::string link_target;  ///< stays in the tree, however it is followed
  mode_t mode = 0;          ///< at most 0755; at least 0600, folders 0700
  std::int64_t modified = 0;
};

enum class Links { refused, inside };

/// Decides, entry by entry, what of an archive may be written. Knows nothing of libarchive or the file system.
class Gate {
 public:
  /// `links`: whether symbolic links are let through that are relative and stay in the tree.
  Gate(const Limits& limits, Links links) : limits_(limits), links_(links) {}

  /// The entry, checked; nothing for the archive's own top folder ("./"). Throws Error(artifact) that names the entry.
  std::optional<Entry> admit(const Header& header);

  /// Told of the bytes read and unpacked so far. Throws Error(artifact) when they are too many.
  void check_flow(std::uint64_t packed_bytes, std::uint64_t unpacked_bytes) const;

  /// The same for what turned out to be of this type only when its names had been seen.
  void check_type(std::string_view chart_type, std::uint64_t unpacked_bytes) const;

  std::uint64_t entries() const noexcept { return entries_; }

 private:
  Limits limits_;
  Links links_;
  Names names_;
  std::uint64_t entries_ = 0;
};

}  // namespace wrktalk::artifact
