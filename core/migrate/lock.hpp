// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/settings.hpp"

#include <functional>
#include <string>

namespace wrktalk::migrate {

/// The right to migrate this database, one runner at a time: an advisory lock of a session of its own. It is gone when the
/// process or the connection is. The session stays in a transaction, which binds it to us behind a pooler; that transaction
/// never has a snapshot, so that CREATE INDEX CONCURRENTLY goes on beside it, whoever runs it.
///
/// The lock is a Pulse: whoever works under it drives it, and learns by Error(connection_lost) when it is lost.
class RunnerLock : public base::Pulse {
 public:
  /// Tries until `wait` has passed, with no transaction open between tries; then throws Error(busy) naming the holder.
  /// `on_wait` is called once with the holder, if there is one. `outer` is driven on.
  RunnerLock(const db::ConnectionSettings& settings, base::Pulse& outer, base::Deadline wait,
             const std::function<void(const std::string& holder)>& on_wait);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

 private:
  bool try_once();
  std::string holder();

  base::Pulse& outer_;
  db::raw::Connection connection_;
};

}  // namespace wrktalk::migrate
