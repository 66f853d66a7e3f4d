// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/database_link.hpp"
#include "core/agent/lease.hpp"
#include "core/agent/lease_renewal.hpp"
#include "core/agent/stop.hpp"
#include "core/observe/status.hpp"
#include "core/queue/claim.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace wrktalk::agent {

/// The lease of a claimed task: renewed by a thread, seen by the working thread, together with signals, the wish to cancel, and what goes on
/// `meanwhile`, whose tick must not throw.
class LeaseKeeper : public Lease {
 public:
  struct Terms {
    std::chrono::milliseconds interval;   ///< between two renewals
    std::chrono::milliseconds lease;      ///< how long each lasts
    std::optional<std::string> instance;  ///< a daemon's: its sign of life is renewed, too
  };
  /// What it watches and ends. All outlive it.
  struct Parts {
    exec::Fence& fence;
    DatabaseLink& link;  ///< its credentials are renewed when the heartbeat's are refused
    Stop& stop;
    observe::Status& status;
    base::Pulse& meanwhile;
  };
  LeaseKeeper(const queue::Claim& claim, const Terms& terms, const Parts& parts);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;
  void ignore_requests() noexcept override { undoing_ = true; }
  void begin_record() noexcept override;
  void wait(base::Deadline until) override;
  void regain() override;
  bool fenced() const noexcept override { return parts_.fence.term_at().passed(); }
  bool ended_at_once() const noexcept override { return parts_.stop.at_once(); }

 private:
  LeaseRenewal::View look();
  void throw_for(const LeaseRenewal::View& view);
  bool has_run_out(const LeaseRenewal::View& view) const noexcept;

  const queue::Claim& claim_;
  const std::chrono::milliseconds lease_;
  const Parts parts_;
  bool undoing_ = false;
  bool waiting_ = false;                      ///< for the database: a lease that has run out does not end it
  unsigned late_ = 0;                         ///< already counted in the status
  base::BootClock::time_point renewed_at_{};  ///< already shown in the status
  LeaseRenewal renewal_;
};

}  // namespace wrktalk::agent
