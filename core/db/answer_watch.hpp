// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/fd.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <thread>

namespace wrktalk::db {

/// Ends a wait for the server that libpq would go on with for ever: a thread beside the one that waits shuts the
/// connection's socket down. It is started by the first statement; between statements it sleeps, and statements in a row
/// do not wake it.
class AnswerWatch {
 public:
  /// A statement may take `limit` (zero: for ever), and a second once `interrupt_fd` (-1: none) is readable.
  AnswerWatch(int socket, std::chrono::milliseconds limit, int interrupt_fd);
  AnswerWatch(const AnswerWatch&) = delete;
  AnswerWatch& operator=(const AnswerWatch&) = delete;
  ~AnswerWatch();

  /// Lives as long as a statement is under way; one at a time. Throws Error(connection_lost) when there is no thread to
  /// be had.
  class Statement {
   public:
    explicit Statement(AnswerWatch& watch) : watch_(watch) { watch_.begin(); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { watch_.end(); }

   private:
    AnswerWatch& watch_;
  };

  /// Why the socket was shut down; empty as long as it was not.
  std::string verdict() const;

 private:
  void begin();
  void end() noexcept;
  void watch();
  /// Unlocks, waits, and locks again; whether the interrupt descriptor was readable.
  bool sleep(std::unique_lock<std::mutex>& lock, base::Deadline until, int interrupt_fd);
  void shut_down(std::string why);

  const base::Fd socket_;  ///< a duplicate: libpq may close its own at any time, and the number would be another file's
  const std::chrono::milliseconds limit_;
  const int interrupt_fd_;
  const base::Fd wake_;

  mutable std::mutex mutex_;
  bool under_way_ = false;
  bool parked_ = false;  ///< the thread waits for `wake_` alone
  bool ending_ = false;
  base::BootClock::time_point began_;
  std::string verdict_;
  std::thread thread_;
};

}  // namespace wrktalk::db
