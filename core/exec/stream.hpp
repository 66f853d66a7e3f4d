// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/redactor.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace wrktalk::exec {

/// What comes out of one pipe: lines to a callback as they come, and the last bytes, or all of them, kept; or everything
/// handed on unseen. Lines and last bytes are redacted before anything of them is cut.
class Stream {
 public:
  using OnLine = std::function<void(std::string_view line)>;
  using OnBytes = std::function<void(std::string_view bytes)>;

  /// `whole_bytes` zero: the last `keep_bytes` are kept; else everything, and more than that is an Error(child).
  /// With `on_bytes` nothing is kept, and there are no lines.
  Stream(int fd, std::size_t keep_bytes, std::size_t whole_bytes, OnLine on_line, OnBytes on_bytes = {});
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() = default;

  bool is_open() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }  ///< -1 after the end of file
  /// Takes what is there, a quarter of a megabyte at most.
  void read();
  /// Gives the last, unended line to the callback.
  void finish();
  /// Scrubbed to UTF-8; redacted unless everything is kept.
  std::string text() const;

 private:
  void take(std::string_view chunk);
  void take_redacted(std::string_view text, bool ended);

  int fd_;
  std::size_t keep_bytes_;
  std::size_t whole_bytes_;
  OnLine on_line_;
  OnBytes on_bytes_;
  log::Redactor redactor_;
  std::string kept_;
};

}  // namespace wrktalk::exec
