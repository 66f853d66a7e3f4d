// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

#include <libpq-fe.h>

#include <array>
#include <exception>
#include <poll.h>
#include <sys/socket.h>

namespace wrktalk::db::raw {
namespace {

using base::Deadline;

/// How long a server may take to answer to a request to cancel; ^C waits for it, too.
constexpr auto kDrainTime = std::chrono::seconds(3);

/// Reads what the server still sends of a statement; whether its end was reached in time.
bool drain(PGconn* connection, Deadline deadline) {
  const auto read_more = [&] {
    pollfd fd{::PQsocket(connection), POLLIN, 0};
    ::poll(&fd, 1, deadline.poll_timeout());
    return !deadline.passed() && ::PQconsumeInput(connection) != 0;
  };
  for (;;) {
    while (::PQisBusy(connection) != 0) {
      if (!read_more()) return false;
    }
    const PgResult result(::PQgetResult(connection));
    if (!result) return true;
    const auto status = ::PQresultStatus(result.get());
    if (status == PGRES_COPY_OUT) {
      char* data = nullptr;
      for (int n = 0; (n = ::PQgetCopyData(connection, &data, 1)) >= 0;) {
        if (n > 0)
          ::PQfreemem(data);
        else if (!read_more())
          return false;
      }
    } else if (status == PGRES_COPY_IN) {
      ::PQputCopyEnd(connection, "ended by the client");
    }
  }
}

/// Asks the server to cancel the statement, which takes a connection of its own; libpq makes it without any limit.
std::optional<BlockingCall> request_cancel(PGconn* connection) noexcept {
  const std::shared_ptr<PGcancel> request(::PQgetCancel(connection), ::PQfreeCancel);
  if (!request) return std::nullopt;
  try {
    return BlockingCall([request] {
      std::array<char, 256> message{};
      ::PQcancel(request.get(), message.data(), message.size());
    });
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

void Connection::cancel_and_drain() noexcept {
  if (::PQstatus(connection_.get()) != CONNECTION_OK) return;
  const Deadline deadline = Deadline::in(kDrainTime);
  const auto request = request_cancel(connection_.get());
  const bool drained = drain(connection_.get(), deadline);
  // A request that is still on its way would cancel the next statement.
  if (drained && (!request || request->wait(deadline, -1) == BlockingCall::End::ended)) return;
  ::shutdown(::PQsocket(connection_.get()), SHUT_RDWR);
  while (::PQconsumeInput(connection_.get()) != 0) {
  }
}

}  // namespace wrktalk::db::raw
