// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

#include "core/base/text.hpp"

#include <libpq-fe.h>

#include <cstring>
#include <exception>
#include <poll.h>

namespace wrktalk::db::raw {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using base::Pulse;

std::string field(const PGresult* result, int code) {
  const char* text = ::PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

ScriptError script_error(const PGresult* result) {
  const std::string state = field(result, PG_DIAG_SQLSTATE);
  const std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  ScriptError error(kind_of_sqlstate(state), base::one_line(message.empty() ? ::PQresultErrorMessage(result) : message),
                    state, hint_of_sqlstate(state));
  const std::string position = field(result, PG_DIAG_STATEMENT_POSITION);
  if (!position.empty()) error.position = std::stoul(position);
  error.message = message;
  error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  error.server_hint = field(result, PG_DIAG_MESSAGE_HINT);
  return error;
}

std::vector<const char*> pointers(const std::vector<std::optional<std::string>>& params) {
  std::vector<const char*> out;
  out.reserve(params.size());
  for (const auto& param : params) out.push_back(param ? param->c_str() : nullptr);
  return out;
}

Table table_of(const PGresult* result) {
  Table table;
  const int columns = ::PQnfields(result);
  for (int c = 0; c < columns; ++c) table.columns.emplace_back(::PQfname(result, c));
  for (int r = 0; r < ::PQntuples(result); ++r) {
    auto& row = table.rows.emplace_back();
    for (int c = 0; c < columns; ++c) {
      if (::PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(
            std::string(::PQgetvalue(result, r, c), static_cast<std::size_t>(::PQgetlength(result, r, c))));
      }
    }
  }
  return table;
}

bool is_good(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

void receive_notice(void* handler, const PGresult* result) {
  const auto& call = *static_cast<std::function<void(const std::string&, const std::string&)>*>(handler);
  if (call) call(field(result, PG_DIAG_SEVERITY), base::one_line(field(result, PG_DIAG_MESSAGE_PRIMARY)));
}

}  // namespace

void PgResultCloser::operator()(pg_result* result) const noexcept { ::PQclear(result); }

Connection::Connection(const ConnectionSettings& settings)
    : settings_(settings), notice_(std::make_unique<std::function<void(const std::string&, const std::string&)>>()) {
  const Attempt attempt(settings);
  await_connection(attempt.call, settings);
  connection_ = std::move(*attempt.made);
  if (!connection_ || ::PQstatus(connection_.get()) != CONNECTION_OK) {
    throw connect_error(settings, connection_ ? ::PQerrorMessage(connection_.get()) : "out of memory");
  }
  ::PQsetNoticeReceiver(connection_.get(), receive_notice, notice_.get());
  ::PQsetnonblocking(connection_.get(), 1);
}

ConnectionSettings Connection::address() const { return narrowed(settings_, host(), port(), socket()); }

void Connection::lost() const {
  throw Error(Kind::connection_lost,
              "lost the connection to PostgreSQL: " + base::one_line(::PQerrorMessage(connection_.get())),
              "look at the server's log; the command can be repeated");
}

void Connection::wait(short events, Pulse& pulse, Deadline deadline) {
  std::vector<pollfd> fds{{::PQsocket(connection_.get()), events, 0}};
  const Deadline next = base::sooner(pulse.watch(fds), deadline);
  if (::poll(fds.data(), fds.size(), next.poll_timeout()) < 0 && errno != EINTR) {
    base::throw_errno(Kind::failed, "poll");
  }
  pulse.tick();
  if (deadline.passed()) {
    throw SqlError(Kind::database, "the database did not answer in time", "57014", hint_of_sqlstate("57014"));
  }
}

void Connection::flush(Pulse& pulse, Deadline deadline) {
  for (;;) {
    const int left = ::PQflush(connection_.get());
    if (left < 0) lost();
    if (left == 0) return;
    wait(POLLIN | POLLOUT, pulse, deadline);
    if (::PQconsumeInput(connection_.get()) == 0) lost();
  }
}

PgResult Connection::next_result(Pulse& pulse, Deadline deadline) {
  try {
    flush(pulse, deadline);
    while (::PQisBusy(connection_.get()) != 0) {
      wait(POLLIN, pulse, deadline);
      if (::PQconsumeInput(connection_.get()) == 0) lost();
    }
  } catch (...) {
    cancel_and_drain();
    throw;
  }
  return PgResult(::PQgetResult(connection_.get()));
}

std::vector<std::string> Connection::script(const std::string& sql, Pulse& pulse, Deadline deadline) {
  if (::PQsendQuery(connection_.get(), sql.c_str()) == 0) lost();
  std::vector<std::string> tags;
  std::exception_ptr failure;
  while (const PgResult result = next_result(pulse, deadline)) {
    const auto status = ::PQresultStatus(result.get());
    if (status == PGRES_EMPTY_QUERY) continue;
    if (is_good(status)) {
      tags.emplace_back(::PQcmdStatus(result.get()));
    } else if (!failure) {
      if (::PQstatus(connection_.get()) != CONNECTION_OK) lost();
      failure = std::make_exception_ptr(script_error(result.get()));
    }
  }
  if (failure) std::rethrow_exception(failure);
  return tags;
}

Table Connection::query(const std::string& sql, const std::vector<std::optional<std::string>>& params, Pulse& pulse,
                        Deadline deadline) {
  const auto values = pointers(params);
  if (::PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0) == 0) {
    lost();
  }
  Table table;
  std::exception_ptr failure;
  while (const PgResult result = next_result(pulse, deadline)) {
    if (is_good(::PQresultStatus(result.get()))) {
      table = table_of(result.get());
    } else if (!failure) {
      if (::PQstatus(connection_.get()) != CONNECTION_OK) lost();
      failure = std::make_exception_ptr(script_error(result.get()));
    }
  }
  if (failure) std::rethrow_exception(failure);
  return table;
}

void Connection::start_copy(const std::string& sql, int expected_status, Pulse& pulse, Deadline deadline) {
  if (::PQsendQuery(connection_.get(), sql.c_str()) == 0) lost();
  const PgResult result = next_result(pulse, deadline);
  if (::PQresultStatus(result.get()) == expected_status) return;
  if (::PQstatus(connection_.get()) != CONNECTION_OK) lost();
  const ScriptError error = script_error(result.get());
  while (next_result(pulse, deadline)) {
  }
  throw error;
}

std::string Connection::finish_copy(Pulse& pulse, Deadline deadline) {
  std::string tag;
  std::exception_ptr failure;
  while (const PgResult result = next_result(pulse, deadline)) {
    if (is_good(::PQresultStatus(result.get()))) {
      tag = ::PQcmdStatus(result.get());
    } else if (!failure) {
      if (::PQstatus(connection_.get()) != CONNECTION_OK) lost();
      failure = std::make_exception_ptr(script_error(result.get()));
    }
  }
  if (failure) std::rethrow_exception(failure);
  return tag;
}

void Connection::copy_in(const std::string& sql, Pulse& pulse, Deadline deadline) {
  start_copy(sql, PGRES_COPY_IN, pulse, deadline);
}

void Connection::copy_write(const char* data, std::size_t size, Pulse& pulse, Deadline deadline) {
  // libpq queues without limit in non-blocking mode: flushing after each small piece keeps its buffer small.
  constexpr std::size_t kPiece = 65'536;
  while (size > 0) {
    const std::size_t n = std::min(size, kPiece);
    const int sent = ::PQputCopyData(connection_.get(), data, static_cast<int>(n));
    if (sent < 0) lost();
    if (sent == 0) {
      wait(POLLIN | POLLOUT, pulse, deadline);
      if (::PQconsumeInput(connection_.get()) == 0) lost();
      continue;
    }
    flush(pulse, deadline);
    data += n;
    size -= n;
    pulse.tick();
  }
}

std::string Connection::copy_finish(Pulse& pulse, Deadline deadline) {
  for (int sent = 0; (sent = ::PQputCopyEnd(connection_.get(), nullptr)) != 1;) {
    if (sent < 0) lost();
    wait(POLLOUT, pulse, deadline);
  }
  return finish_copy(pulse, deadline);
}

void Connection::copy_abort(const std::string& why) noexcept {
  if (::PQstatus(connection_.get()) != CONNECTION_OK) return;
  ::PQputCopyEnd(connection_.get(), why.c_str());
  cancel_and_drain();
}

void Connection::on_notice(std::function<void(const std::string&, const std::string&)> handler) {
  *notice_ = std::move(handler);
}

int Connection::server_version() const { return ::PQserverVersion(connection_.get()); }

std::string Connection::parameter(const std::string& name) const {
  const char* value = ::PQparameterStatus(connection_.get(), name.c_str());
  return value == nullptr ? std::string() : std::string(value);
}

std::string Connection::host() const { return ::PQhost(connection_.get()); }
std::string Connection::port() const { return ::PQport(connection_.get()); }
std::string Connection::database() const { return ::PQdb(connection_.get()); }
std::string Connection::user() const { return ::PQuser(connection_.get()); }
int Connection::backend_pid() const { return ::PQbackendPID(connection_.get()); }

bool Connection::in_transaction() const { return ::PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }
bool Connection::alive() noexcept {
  return ::PQconsumeInput(connection_.get()) == 1 && ::PQstatus(connection_.get()) == CONNECTION_OK;
}
int Connection::socket() const { return ::PQsocket(connection_.get()); }

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
  state_ = State::idle;
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
  if (state_ == State::connecting) {
    advance_attempt();
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
