// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/agent.hpp"
#include "core/agent/database_link.hpp"
#include "core/agent/status_publisher.hpp"
#include "core/notify/outbox_sender.hpp"
#include "core/queue/agents.hpp"
#include "core/queue/lease_watch.hpp"
#include "core/queue/tick.hpp"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// One start of the agent: its connection, its place in agent_instance, its outbox, and what it does between tasks.
class Daemon {
 public:
  Daemon(const Settings& settings, Stop& stop, StatusPublisher& publisher, Listen listen);

  /// Connects and signs in when that is not done. Throws what Session throws.
  void ready();
  /// Throws Error(configuration) when another live daemon has the same agent id.
  void refuse_twin();

  /// Claims and runs tasks that are due, `at_most` so many, until there is none or we are asked to end.
  Summary run_due(int at_most = std::numeric_limits<int>::max());
  /// Looks at the queue, and does what is due besides tasks.
  queue::Tick tick();

  /// The database did not take something. Returns when to try again.
  base::Deadline failed(const base::Error& error);

  DatabaseLink& link() noexcept { return link_; }
  /// What goes on whatever the loop waits for.
  base::Pulse& meanwhile() noexcept { return meanwhile_; }

  /// What is due in the outbox goes out before the process ends, as far as it goes quickly.
  void deliver() noexcept;
  void sign_out() noexcept;

 private:
  bool lives(const queue::Instance& other);
  std::optional<TaskResult> run_one();
  queue::Tick look();
  void close_windows();
  void show_windows_again();
  void tell_owed();
  void keep_house();
  void answered();

  const Settings& settings_;
  Stop& stop_;
  StatusPublisher& publisher_;
  DatabaseLink link_;
  notify::OutboxSender sender_;
  base::Both meanwhile_;
  base::Backoff backoff_;
  queue::Claimant me_;
  queue::LeaseWatch leases_;
  std::vector<notify::NewNotification> owed_;  ///< notifications that the outbox did not take yet
  bool signed_in_ = false;
  bool stuck_ = false;  ///< the site stays in maintenance, and the log says so
  const bool proxy_forgets_;
  bool forgotten_ = false;  ///< the proxy does not show it, and the log says so
  base::Deadline housekeeping_ = base::Deadline::at({});
  bool housekeeping_failed_ = false;
};

/// Who runs a task: a daemon, or a command in the foreground. All outlive the run.
struct Holder {
  const Settings& settings;
  DatabaseLink& link;
  Stop& stop;
  StatusPublisher& publisher;
  base::Pulse& meanwhile;                      ///< what goes on beside the task
  std::vector<notify::NewNotification>& owed;  ///< gets the notifications that the outbox did not take
  std::optional<std::string> instance = {};    ///< a daemon's
};

/// Runs a claimed task with all that is real.
TaskResult run_claimed(const queue::Claim& claim, const Holder& holder);

}  // namespace wrktalk::agent
