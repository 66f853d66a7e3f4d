// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/db/raw.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace wrktalk::registry {

/// What is done with the database, by a few threads with a connection each. They connect when there is something to do.
class Database {
 public:
  struct Login {
    db::ConnectionSettings settings;
    std::function<db::ConnectionSettings()> fresh;  ///< other credentials, when these are refused; may be empty
    std::function<void()> keep;                     ///< renews what would end; does not throw; may be empty
  };
  struct Job {
    /// Called once more with a new connection when the old one is lost.
    std::function<void(db::raw::Connection& db, base::Pulse& pulse)> work;
    /// How it ended; null: well. Called in the worker's thread.
    std::function<void(const base::Error* error)> done;
    std::chrono::milliseconds patience{0};  ///< for how long a database that is away is waited for
  };

  Database(Login login, std::size_t threads);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  /// What waits and what is under way ends with an error.
  ~Database();

  void submit(Job job);
  /// Every job from now on ends with an error, at once.
  void stop();

 private:
  void work();
  void run(Job& job, std::optional<db::raw::Connection>& connection, base::Pulse& pulse);
  db::raw::Connection connect();

  Login login_;
  std::mutex login_mutex_;
  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<Job> jobs_;
  std::atomic<bool> stopped_{false};
  base::Fd stop_fd_;  ///< readable: stopped
  std::vector<std::thread> threads_;
};

}  // namespace wrktalk::registry
