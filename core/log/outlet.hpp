// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/fd.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace wrktalk::log {

/// Writes lines to a descriptor that others share and that nobody may be reading, and never waits for it. What it does not take is
/// kept, in order, and written with later lines; what exceeds `kBacklogBytes` is dropped and counted, and told by one line in its
/// place. Lines are never torn. May be used by several threads.
class Outlet {
 public:
  /// The line, with its end, that says how many lines were lost.
  using Tell = std::function<std::string(std::size_t lost)>;

  static constexpr std::size_t kBacklogBytes = 256 * 1024;

  /// `fd` stays the caller's and must outlive this. From now on the process ignores SIGPIPE.
  Outlet(int fd, Tell tell);

  /// `line` includes its end.
  void write(std::string_view line);
  /// Waits until everything is written, as long as somebody may still read it.
  void flush(base::Deadline until);

 private:
  enum class Kind { file, socket, other };

  bool drain();
  bool add(std::string_view line);
  bool takes_something() const noexcept;
  bool write_once(std::string_view bytes, std::size_t& taken) const noexcept;

  const int fd_;
  const Kind kind_;
  const base::Fd own_;  ///< the same pipe or terminal, opened anew and non-blocking; none where that is not permitted
  const Tell tell_;
  std::mutex mutex_;
  std::string backlog_;  ///< its first line may be the rest of one
  std::size_t lost_ = 0;
};

}  // namespace wrktalk::log
