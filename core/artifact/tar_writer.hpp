// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

struct archive;

namespace wrktalk::artifact {

/// A tar archive of ordinary files, written as a stream: memory does not depend on their size. ustar, with pax headers for what that cannot say.
class TarWriter {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// What `sink` throws passes through the call that had something for it; then the archive stays without its end.
  explicit TarWriter(Sink sink);
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;
  ~TarWriter() = default;

  /// Begins the next file, whose `data` are `size` bytes.
  void begin(const std::string& name, std::int64_t size);
  void data(std::string_view bytes);
  /// A whole file.
  void file(const std::string& name, std::string_view bytes);
  /// The end of the archive. Once, after everything else.
  void finish();

 private:
  struct Free {
    void operator()(archive* writer) const noexcept;
  };

  void whole() const;
  void check(ssize_t result) const;
  void pass_on(std::size_t at_least);

  Sink sink_;
  std::string kept_;
  std::unique_ptr<archive, Free> writer_;
  std::int64_t missing_ = 0;  ///< of the file that was begun
};

}  // namespace wrktalk::artifact
