// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/backoff.hpp"
#include "core/base/deadline.hpp"
#include "core/base/fd.hpp"
#include "core/db/raw.hpp"
#include "core/exec/fence.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace wrktalk::agent {

/// Renews a task's lease and feeds its fence from a thread of its own, over a connection of its own, so that nothing that holds up the working
/// thread costs it the lease. It stops renewing when the working thread has shown no progress for longer than any step may be silent: then
/// another agent takes the task over.
///
/// A lease that has run out is renewed all the same as soon as the database answers, unless another agent has taken the task.
class LeaseRenewal {
 public:
  struct Plan {
    std::string task_id;
    std::string token;
    std::optional<std::string> instance;  ///< of the agent, which each renewal shows to be alive
    std::chrono::milliseconds interval;
    std::chrono::milliseconds lease;
    base::BootClock::time_point claimed_at;         ///< the lease runs from here
    std::vector<db::ConnectionSettings> databases;  ///< the same database, in the order in which they are tried
  };

  /// What the working thread can know.
  struct View {
    base::BootClock::time_point renewed_at;  ///< when the last renewal that was answered was sent
    bool taken = false;                      ///< another agent has the task, or it has ended
    bool cancel = false;                     ///< an operator asked for the task to end
    bool answers = true;                     ///< the database took the last renewal
    bool refuses_credentials = false;        ///< until `connect_with`
    unsigned late = 0;                       ///< renewals that were not answered in time, since the beginning
  };

  LeaseRenewal(Plan plan, exec::Fence& fence);
  LeaseRenewal(const LeaseRenewal&) = delete;
  LeaseRenewal& operator=(const LeaseRenewal&) = delete;
  /// Ends the thread; the lease is left as it is.
  ~LeaseRenewal();

  // All of these may be called from any thread, and none waits for the database.

  View view() const;
  /// Readable when `view` has changed since the last call of `seen`.
  int changed() const noexcept { return changed_.get(); }
  void seen() noexcept;
  /// The working thread is alive.
  void progress() noexcept;
  /// A renewal is of use now: an operator may have asked for the task to end, or the database is back.
  void renew_soon() noexcept;
  /// Other credentials.
  void connect_with(std::vector<db::ConnectionSettings> databases);
  /// The task is being recorded: that it is not ours any more may be our own doing.
  void finish() noexcept;

 private:
  void run() noexcept;
  void step();
  void open();
  void answered();
  void broken();
  void late();
  bool is_stuck();
  void publish(void (*change)(View&));
  void wake() noexcept;

  const Plan plan_;
  exec::Fence& fence_;
  const base::Fd changed_;  ///< eventfd
  const base::Fd wake_;     ///< eventfd: something below was changed for the thread

  mutable std::mutex mutex_;  ///< guards these
  View view_;
  std::vector<db::ConnectionSettings> databases_;
  base::BootClock::time_point progress_at_;
  bool soon_ = false;
  bool reconnect_ = false;
  bool finishing_ = false;
  bool ending_ = false;

  // The thread's own:
  db::raw::AsyncConnection connection_;
  std::size_t way_ = 0;       ///< which of the databases' settings is used
  std::size_t failures_ = 0;  ///< since a renewal was answered
  base::Backoff backoff_;
  base::BootClock::time_point asked_at_{};
  base::Deadline next_;
  base::Deadline answer_by_ = base::Deadline::never();
  bool stuck_ = false;

  std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace wrktalk::agent
