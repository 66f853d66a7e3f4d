// SPDX-License-Identifier: Apache-2.0
#include "core/queue/lease_watch.hpp"

#include <algorithm>
#include <utility>

namespace wrktalk::queue {
namespace {

/// Less than this is a slow statement or a clock that is being adjusted, not a jump.
constexpr double kJumpSeconds = 1;

/// A length that no arithmetic on BootClock can overflow.
constexpr double kLongestSeconds = 30 * 86'400;

std::chrono::nanoseconds seconds(double value) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(std::clamp(value, 0.0, kLongestSeconds)));
}

}  // namespace

void LeaseWatch::look(Time now, double server_seconds, const std::vector<Lease>& leases) {
  double jump = 0;
  if (last_) {
    const double own = std::chrono::duration<double>(now - last_->now).count();
    const double ahead = server_seconds - last_->server_seconds - own;
    if (ahead > kJumpSeconds) jump = ahead;
  }
  std::map<std::string, Seen> seen;
  for (const auto& lease : leases) {
    const auto known = seen_.find(lease.task_id);
    if (known != seen_.end() && known->second.expires_at == lease.expires_at) {
      seen.insert(*known);
      continue;
    }
    // The jump may have come after the renewal: it is no part of the lease's age.
    Time renewed = now - seconds(lease.age_seconds - jump);
    if (last_) renewed = std::max(renewed, last_->now);
    seen[lease.task_id] = {lease.expires_at, renewed + seconds(lease.length_seconds)};
  }
  seen_ = std::move(seen);
  last_ = Look{now, server_seconds};
}

std::vector<std::string> LeaseWatch::not_yet(Time now) const {
  std::vector<std::string> ids;
  for (const auto& [id, lease] : seen_) {
    if (now < lease.free_at) ids.push_back(id);
  }
  return ids;
}

std::optional<base::Deadline> LeaseWatch::next(Time now) const {
  std::optional<base::Deadline> first;
  for (const auto& [id, lease] : seen_) {
    if (now >= lease.free_at) continue;
    const auto free = base::Deadline::at(lease.free_at);
    first = first ? base::sooner(*first, free) : free;
  }
  return first;
}

}  // namespace wrktalk::queue
