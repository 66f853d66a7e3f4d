// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/backoff.hpp"
#include "core/base/deadline.hpp"
#include "core/db/raw.hpp"
#include "core/db/session.hpp"
#include "core/secrets/credentials.hpp"

#include <cstdint>
#include <memory>
#include <optional>
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
class DatabaseLink {
 public:
  /// `credentials`, when there are any, outlive the link.
  DatabaseLink(db::ConnectionSettings settings, Listen listen, secrets::Credentials* credentials)
      : settings_(std::move(settings)), listen_(listen), credentials_(credentials) {}

  /// Connects when needed, with fresh credentials when the database refuses those at hand. Throws what Session throws; refused
  /// credentials that worked before are `connection_lost`: others may come.
  db::Session& session();
  /// What was said last may not have been heard: the connection is made anew.
  void drop() noexcept;
  /// Closes what is of no use while the agent is idle.
  void rest() noexcept { session_.reset(); }
  /// How often a connection was lost and made anew.
  std::uint64_t reconnects() const noexcept { return reconnects_; }
  bool connected() const noexcept { return session_ != nullptr; }
  /// Whether a connection that stands idle is of use.
  bool listens() const noexcept { return listen_ != Listen::no; }

  /// Another connection, for large values; made as `session` is.
  db::raw::Connection raw();
  /// What to connect with, as far as is known.
  const db::ConnectionSettings& settings() const noexcept { return settings_; }
  /// Asks for fresh credentials. False when there are no others.
  bool refresh();

  /// The same database in the order in which it is to be tried: first where it answered last, without asking a name server.
  std::vector<db::ConnectionSettings> ways() const;

  /// Adds the socket to what poll(2) waits on; nothing when not connected.
  void watch(std::vector<pollfd>& fds) const;
  /// Whether a notification came since the last call; a connection that was lost counts as one. The session stays until `session` is asked
  /// for anew, so that this may be called while a statement of its own is under way.
  bool heard() noexcept;

 private:
  template <class Connection>
  Connection connect_once();
  template <class Connection>
  Connection connect();
  void listen(db::Session& session);
  bool hears(db::Session& session);

  db::ConnectionSettings settings_;
  Listen listen_;
  secrets::Credentials* credentials_;
  bool was_connected_ = false;
  bool lost_ = false;
  bool broken_ = false;                            ///< the session is of no use any more
  std::optional<db::ConnectionSettings> address_;  ///< where the database answered last
  std::uint64_t reconnects_ = 0;
  std::unique_ptr<db::Session> session_;
};

using base::Backoff;

}  // namespace wrktalk::agent
