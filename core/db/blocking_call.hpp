// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/fd.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

namespace wrktalk::db {

/// A thread that takes no signal: the program reads them all from a descriptor. Throws Error(connection_lost) when there
/// is none to be had.
std::thread start_thread(std::function<void()> work);

/// A call into libpq that may block without limit (a name server that is silent, a host that accepts and never answers),
/// made in a thread of its own.
///
/// `work` must not throw and owns all that it touches. Its result lies in a shared_ptr that the caller holds as well. A
/// BlockingCall that is destroyed before the end leaves the thread behind: the result is then destroyed by that thread.
/// When the process exits meanwhile, it ends at once with its exit code, past the destructors that the thread would trip
/// over.
class BlockingCall {
 public:
  enum class End { ended, late, interrupted };

  /// Throws Error(connection_lost) when no thread can be started, or too many that were left behind still hang.
  explicit BlockingCall(std::function<void()> work);
  BlockingCall(BlockingCall&&) = default;
  BlockingCall& operator=(BlockingCall&&) = delete;
  ~BlockingCall();

  /// For poll(2): readable once the call has ended.
  int fd() const noexcept { return state_->ended_fd.get(); }
  /// Whether what `work` wrote can be read.
  bool ended() const noexcept { return state_->ended; }
  /// Waits for the end, for the deadline, or until `interrupt_fd` (-1: none) is readable.
  End wait(base::Deadline deadline, int interrupt_fd) const noexcept;

 private:
  struct State {
    base::Fd ended_fd;
    std::atomic<bool> ended{false};
  };
  std::shared_ptr<State> state_;
};

}  // namespace wrktalk::db
