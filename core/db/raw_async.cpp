// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/db/raw_result.hpp"

#include <poll.h>

namespace wrktalk::db::raw {

using base::Deadline;

void AsyncConnection::open(const ConnectionSettings& settings) noexcept {
  close();
  error_.clear();
  sqlstate_.clear();
  try {
    attempt_.emplace(settings);
  } catch (const std::exception& e) {
    fail(e.what());
    return;
  }
  limits_ = limits_of(settings);
  limit_ = connect_limit(settings);
  give_up_ = Deadline::in(limit_);
  state_ = State::connecting;
}

void AsyncConnection::close() noexcept {
  attempt_.reset();
  result_.reset();
  connection_.reset();
  state_ = State::closed;
}

void AsyncConnection::advance_attempt() noexcept {
  if (!attempt_->call.ended()) {
    if (give_up_.passed()) fail(timeout_expired(limit_));
    return;
  }
  connection_ = std::move(*attempt_->made);
  attempt_.reset();
  if (!connection_ || ::PQstatus(connection_.get()) != CONNECTION_OK) {
    fail(connection_ ? ::PQerrorMessage(connection_.get()) : "out of memory");
    return;
  }
  ::PQsetnonblocking(connection_.get(), 1);
  const int pid = ::PQbackendPID(connection_.get());
  if (is_made_up(pid)) {
    state_ = State::idle;
    return;
  }
  const std::string sql = new_session_sql(limits_, pid, ::PQserverVersion(connection_.get()));
  if (::PQsendQuery(connection_.get(), sql.c_str()) == 0) fail(::PQerrorMessage(connection_.get()));
}

/// Reads the answers to the settings of the session.
void AsyncConnection::advance_settings() noexcept {
  if (::PQflush(connection_.get()) < 0 || ::PQconsumeInput(connection_.get()) == 0) {
    fail(::PQerrorMessage(connection_.get()));
    return;
  }
  while (::PQisBusy(connection_.get()) == 0) {
    const PgResult next(::PQgetResult(connection_.get()));
    if (!next) {
      if (state_ == State::connecting) state_ = State::idle;
      return;
    }
    if (!is_good(::PQresultStatus(next.get())) && field(next.get(), PG_DIAG_SQLSTATE) != kThroughPooler) {
      fail(::PQresultErrorMessage(next.get()));
      return;
    }
  }
  if (give_up_.passed()) fail(timeout_expired(limit_));
}

void AsyncConnection::send(const std::string& sql, const std::vector<std::optional<std::string>>& params) noexcept {
  const auto values = pointers(params);
  error_.clear();
  sqlstate_.clear();
  result_.reset();
  if (::PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0) == 0) {
    fail(::PQerrorMessage(connection_.get()));
    return;
  }
  state_ = State::busy;
  advance();
}

void AsyncConnection::advance() noexcept {
  if (state_ == State::connecting && attempt_) advance_attempt();
  if (state_ == State::connecting) {
    if (!attempt_) advance_settings();
    return;
  }
  if (state_ == State::idle) {
    // Notices that the server has closed an idle session, which it does after saying why: two reads.
    if (::PQconsumeInput(connection_.get()) == 0 || ::PQconsumeInput(connection_.get()) == 0)
      fail(::PQerrorMessage(connection_.get()));
    return;
  }
  if (state_ != State::busy) return;
  if (::PQflush(connection_.get()) < 0 || ::PQconsumeInput(connection_.get()) == 0) {
    fail(::PQerrorMessage(connection_.get()));
    return;
  }
  while (::PQisBusy(connection_.get()) == 0) {
    PgResult next(::PQgetResult(connection_.get()));
    if (!next) {
      state_ = ::PQstatus(connection_.get()) == CONNECTION_OK ? State::answered : State::broken;
      return;
    }
    if (!is_good(::PQresultStatus(next.get()))) {
      error_ = base::one_line(::PQresultErrorMessage(next.get()));
      sqlstate_ = field(next.get(), PG_DIAG_SQLSTATE);
    }
    result_ = std::move(next);
  }
}

std::optional<Table> AsyncConnection::take() noexcept {
  state_ = State::idle;
  const PgResult result = std::move(result_);
  if (!result || !is_good(::PQresultStatus(result.get()))) return std::nullopt;
  return table_of(result.get());
}

int AsyncConnection::socket() const noexcept {
  if (attempt_) return attempt_->call.fd();
  return connection_ ? ::PQsocket(connection_.get()) : -1;
}

short AsyncConnection::events() const noexcept { return POLLIN; }

void AsyncConnection::fail(const std::string& why) noexcept {
  attempt_.reset();
  error_ = base::one_line(why);
  state_ = State::broken;
}

}  // namespace wrktalk::db::raw
