// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/db/session.hpp"

#include <memory>
#include <poll.h>
#include <vector>

namespace wrktalk::agent {

/// The agent's one connection for plain statements: made when it is needed, dropped when it is lost.
class Link {
 public:
  /// `listen`: wake on the queue's channel.
  Link(db::ConnectionSettings settings, bool listen) : settings_(std::move(settings)), listen_(listen) {}

  /// Connects when needed. Throws what Session throws.
  db::Session& session();
  void drop() noexcept { session_.reset(); }
  bool connected() const noexcept { return session_ != nullptr; }

  /// Adds the socket to what poll(2) waits on; nothing when not connected or not listening.
  void watch(std::vector<pollfd>& fds) const;
  /// Whether a notification came since the last call. A lost connection counts as one, and is dropped.
  bool notified() noexcept;

 private:
  db::ConnectionSettings settings_;
  bool listen_;
  std::unique_ptr<db::Session> session_;
};

/// How long to wait before trying again: doubled from 250 ms to 30 s, with jitter, so that agents do not come back all at once.
class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset() noexcept { tries_ = 0; }
  int tries() const noexcept { return tries_; }

 private:
  int tries_ = 0;
};

}  // namespace wrktalk::agent
