// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"

#include <string>

namespace wrktalk::db::raw {

/// Whom a statement waits for: once it takes long, a connection of its own asks the server every now and then whether the
/// statement waits for a lock, and who holds that. What it cannot find out, it leaves out.
class LockWait : public base::Pulse {
 public:
  /// Of the statement that is under way on `waiting`; `outer` is driven on.
  LockWait(const Connection& waiting, base::Pulse& outer);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  /// Says in the log, once, that the statement waits, and for whom.
  void tick() override;

  /// "pid 4711 (user app, application psql, in its transaction since ..., query: ...)"; empty when nobody was seen.
  const std::string& holder() const noexcept { return holder_; }

 private:
  void step();
  void note(const Table& answer);

  const Connection& waiting_;
  base::Pulse& outer_;
  AsyncConnection connection_;
  base::Deadline next_;
  bool given_up_ = false;
  bool asked_ = false;
  std::string holder_;
};

}  // namespace wrktalk::db::raw
