// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/base/pulse.hpp"
#include "core/base/sha256.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::artifact {

/// Called with the number of bytes done so far.
using ProgressCall = std::function<void(std::uint64_t)>;

/// Bytes in pieces of moderate size (up to about 1 MiB).
class Source {
 public:
  virtual ~Source() = default;

  /// The next piece, valid until the next call; empty at the end, and at each call after it.
  virtual std::string_view next() = 0;
};

/// An ordinary file, read once from its beginning.
class FileSource : public Source {
 public:
  /// Throws Error(failed) when `path` cannot be opened or is not an ordinary file.
  FileSource(const std::string& path, base::Pulse& pulse, ProgressCall progress);

  std::string_view next() override;
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  std::string path_;
  base::Pulse& pulse_;
  ProgressCall progress_;
  base::Fd file_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t done_ = 0;
  std::vector<char> buffer_;
};

/// Passes another source on, and knows the digest and the size of what went through.
class HashedSource : public Source {
 public:
  explicit HashedSource(Source& inner) : inner_(inner) {}

  std::string_view next() override;
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }

  /// Reads the rest, if any; then the digest of the whole. Call it once.
  std::string digest();

 private:
  Source& inner_;
  base::Sha256 hash_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace wrktalk::artifact
