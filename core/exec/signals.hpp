// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

namespace wrktalk::exec {

/// TERM, INT and HUP, blocked for the whole process and read from a descriptor in each poll; SIGPIPE ignored. No handlers.
/// One object a process, made by `main` before any child is started. Children get an empty mask back (exec::run).
/// Orphans of what we started come to us, as they do to pid 1 of a container: a child of a guard that was killed can be ended. CHLD
/// is heard as well: what ended of them is reaped, and a container needs no init beside us.
class Signals {
 public:
  Signals();

  /// Readable when a signal is waiting.
  int fd() const noexcept { return fd_.get(); }
  /// The next waiting signal's number, 0 when there is none. Never blocks.
  int take() noexcept;

 private:
  base::Fd fd_;
  bool child_ended_ = false;  ///< and it may have been an orphan
};

}  // namespace wrktalk::exec
