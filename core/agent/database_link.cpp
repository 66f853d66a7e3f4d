// SPDX-License-Identifier: Apache-2.0
#include "core/agent/database_link.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"
#include "core/queue/claim.hpp"

namespace wrktalk::agent {

db::Session& DatabaseLink::session() {
  if (broken_) drop();
  if (!session_) {
    auto fresh = std::make_unique<db::Session>(connect<db::Session>());
    if (listens()) listen(*fresh);
    session_ = std::move(fresh);
    was_connected_ = true;
    if (lost_) ++reconnects_;
    lost_ = false;
  }
  return *session_;
}

void DatabaseLink::drop() noexcept {
  lost_ = lost_ || connected();
  broken_ = false;
  session_.reset();
}

/// Where the database answered last is asked first: that needs no name server, and no host before it in the list to answer.
template <class Connection>
Connection DatabaseLink::connect_once() {
  if (address_) {
    try {
      return Connection(ways().front());
    } catch (const base::Error& e) {
      if (e.kind() != base::Kind::connection_lost) throw;
      address_.reset();
    }
  }
  Connection fresh(settings_);
  address_ = fresh.address();
  return fresh;
}

template <class Connection>
Connection DatabaseLink::connect() {
  try {
    return connect_once<Connection>();
  } catch (const base::Error& e) {
    if (e.kind() != base::Kind::configuration || credentials_ == nullptr) throw;
    if (!refresh()) {
      if (!was_connected_) throw;
      throw base::Error(base::Kind::connection_lost, e.what(), e.hint());
    }
  }
  return connect_once<Connection>();
}

db::raw::Connection DatabaseLink::raw() { return connect<db::raw::Connection>(); }

bool DatabaseLink::refresh() {
  if (credentials_ == nullptr) return false;
  auto fresh = credentials_->fresh();
  if (fresh.parameters == settings_.parameters) return false;
  settings_.parameters = std::move(fresh.parameters);
  address_.reset();
  log::info("credentials.changed", "the database's credentials have changed: connecting with the new ones");
  return true;
}

void DatabaseLink::listen(db::Session& session) {
  if (session.pooled() && listen_ == Listen::direct) {
    listen_ = Listen::no;
    return;
  }
  session.listen(queue::kChannel);
  if (!session.pooled() || hears(session)) return;
  listen_ = Listen::no;
  session.run("UNLISTEN *");
  log::warn("listen.silent",
            "a pooler keeps notifications back: tasks wait for the next look, every WRKTALK_AGENT_POLL_INTERVAL",
            {{"hint", "connect to PostgreSQL itself, or say --poll-only"}});
}

/// Sends a notification through another connection: one of the same may come back before the pooler gives the server to others.
bool DatabaseLink::hears(db::Session& session) {
  constexpr std::chrono::seconds kEcho{2};
  const auto sent =
      connect<db::Session>().run("SELECT pg_notify($1, '') WHERE pg_notification_queue_usage() < 0.8", queue::kChannel);
  if (sent.empty()) return true;  // the server's queue is full: that says nothing of the pooler
  const auto until = base::Deadline::in(kEcho);
  while (!session.notified()) {
    if (until.passed()) return false;
    pollfd fd{session.socket(), POLLIN, 0};
    ::poll(&fd, 1, until.poll_timeout());
  }
  return true;
}

std::vector<db::ConnectionSettings> DatabaseLink::ways() const {
  constexpr std::chrono::seconds kForOneAddress{2};
  if (!address_) return {settings_};
  return {db::with_connect_timeout(*address_, kForOneAddress), settings_};
}

void DatabaseLink::watch(std::vector<pollfd>& fds) const {
  if (session_ && !broken_) fds.push_back({session_->socket(), POLLIN, 0});
}

bool DatabaseLink::heard() noexcept {
  if (!session_ || broken_) return false;
  try {
    return session_->notified();
  } catch (const base::Error&) {
    broken_ = true;
    return true;
  }
}

}  // namespace wrktalk::agent
