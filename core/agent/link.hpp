// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/backoff.hpp"
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

using base::Backoff;

}  // namespace wrktalk::agent
