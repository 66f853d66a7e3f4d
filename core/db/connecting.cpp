// SPDX-License-Identifier: Apache-2.0
#include "core/db/connecting.hpp"

#include "core/base/text.hpp"

#include <libpq-fe.h>

#include <array>
#include <netdb.h>
#include <sys/socket.h>

namespace wrktalk::db {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// The numeric address of a TCP peer, else empty.
std::string peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> text{};
  if (::getpeername(socket, any, &size) != 0 || (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
      ::getnameinfo(any, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return {};
  }
  return text.data();
}

}  // namespace

void PgConnCloser::operator()(pg_conn* connection) const noexcept { ::PQfinish(connection); }

Attempt::Attempt(const ConnectionSettings& settings)
    : made(std::make_shared<PgConn>()),
      call([made = made, text = conninfo(settings)] { made->reset(::PQconnectdb(text.c_str())); }) {}

std::string timeout_expired(std::chrono::milliseconds limit) {
  return "timeout expired: no connection within " + base::human_duration(limit);
}

void await_connection(const BlockingCall& call, const ConnectionSettings& settings) {
  const auto limit = connect_limit(settings);
  switch (call.wait(Deadline::in(limit), settings.interrupt_fd)) {
    case BlockingCall::End::ended: return;
    case BlockingCall::End::late: throw connect_error(settings, timeout_expired(limit));
    case BlockingCall::End::interrupted: throw interrupted_error(settings);
  }
}

Error interrupted_error(const ConnectionSettings& settings) {
  return {Kind::connection_lost,
          "cannot connect to PostgreSQL (" + describe(settings) + "): asked to end before it answered"};
}

ConnectionSettings narrowed(ConnectionSettings settings, const std::string& host, const std::string& port, int socket) {
  settings = with_parameter(std::move(settings), "host", host);
  // Said even when it is empty: else libpq would take PGHOSTADDR.
  settings = with_parameter(std::move(settings), "hostaddr", peer_of(socket));
  return with_parameter(std::move(settings), "port", port);
}

}  // namespace wrktalk::db
