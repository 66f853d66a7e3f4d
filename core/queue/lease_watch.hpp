// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::queue {

/// The lease of a task in progress, as the server tells it.
struct Lease {
  std::string task_id;
  std::string expires_at;  ///< as PostgreSQL prints timestamptz; another text means that the holder renewed the lease
  double age_seconds = 0;  ///< since the holder renewed it, by the server's clock
  double length_seconds = 0;  ///< from that renewal to its end
};

/// Protects a live holder from a jump of the server's clock: a lease may be taken over only when it has also not changed for its length
/// on this observer's own clock. Until its first look an observer knows nothing and trusts the server's clock. Pure: no clock, no database.
class LeaseWatch {
 public:
  /// What one statement saw. `now`: this machine's clock before the statement was sent; `server_seconds`: the server's clock in it, in
  /// seconds since 1970. `leases`: all that are in progress; one that is left out counts as not in progress.
  void look(base::BootClock::time_point now, double server_seconds, const std::vector<Lease>& leases);

  /// The tasks of the last look that may not be taken over yet, whatever the server's clock says.
  std::vector<std::string> not_yet(base::BootClock::time_point now) const;

  /// When the first of them may be taken over; nothing when there is none.
  std::optional<base::Deadline> next(base::BootClock::time_point now) const;

 private:
  using Time = base::BootClock::time_point;
  struct Seen {
    std::string expires_at;
    Time free_at;  ///< from then on the lease has not changed for its length
  };
  struct Look {
    Time now;
    double server_seconds;
  };
  std::map<std::string, Seen> seen_;  ///< by task id
  std::optional<Look> last_;
};

}  // namespace wrktalk::queue
