// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/db/session.hpp"

#include <memory>
#include <poll.h>
#include <vector>

namespace wrktalk::agent {

/// Whether to wake on the queue's channel.
enum class Listen {
  no,
  direct,  ///< unless a pooler is in between
  tried,   ///< through a pooler, too, if it passes a notification on; else it says so in the log and does not
};

/// The agent's one connection for plain statements: made when it is needed, dropped when it is lost.
class Link {
 public:
  Link(db::ConnectionSettings settings, Listen listen) : settings_(std::move(settings)), listen_(listen) {}

  /// Connects when needed. Throws what Session throws.
  db::Session& session();
  void drop() noexcept { session_.reset(); }
  bool connected() const noexcept { return session_ != nullptr; }
  /// Whether a connection that stands idle is of use.
  bool listens() const noexcept { return listen_ != Listen::no; }

  /// Adds the socket to what poll(2) waits on; nothing when not connected.
  void watch(std::vector<pollfd>& fds) const;
  /// Whether a notification came since the last call. A lost connection counts as one, and is dropped.
  bool notified() noexcept;

 private:
  void listen(db::Session& session);
  bool hears(db::Session& session) const;

  db::ConnectionSettings settings_;
  Listen listen_;
  std::unique_ptr<db::Session> session_;
};

/// Whether the database may take the same later: it is away, read-only for now, out of disk or memory, or there was a conflict, a lock or
/// a time limit in the way.
bool is_outage(const base::Error& error) noexcept;

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
