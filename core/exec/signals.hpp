// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

namespace wrktalk::exec {

/// TERM, INT and HUP, blocked for the whole process and read from a descriptor in each poll; SIGPIPE ignored. No handlers.
/// One object a process, made by `main` before any child is started. Children get an empty mask back (exec::run).
/// CHLD is heard as well: as pid 1 of a container the process reaps what others left, and needs no init beside it.
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
