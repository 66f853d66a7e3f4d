// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

#include "core/base/text.hpp"
#include "core/db/lock_wait.hpp"
#include "core/db/raw_result.hpp"

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

/// Connecting goes on until the session is ours: what interrupts the one interrupts the other.
class ConnectingPulse : public Pulse {
 public:
  explicit ConnectingPulse(const ConnectionSettings& settings) : settings_(settings) {}
  Deadline watch(std::vector<pollfd>& fds) override {
    fds.push_back({settings_.interrupt_fd, POLLIN, 0});
    return Deadline::never();
  }
  void tick() override {
    pollfd fd{settings_.interrupt_fd, POLLIN, 0};
    if (::poll(&fd, 1, 0) == 1) throw interrupted_error(settings_);
  }

 private:
  const ConnectionSettings& settings_;
};

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
  pooled_ = is_made_up(backend_pid());
  if (!pooled_) settle();
}

void Connection::settle() {
  ConnectingPulse pulse(settings_);
  try {
    script(new_session_sql(limits_of(settings_), backend_pid(), server_version()), pulse,
           Deadline::in(connect_limit(settings_)));
  } catch (const ScriptError& error) {
    if (error.sqlstate() != kThroughPooler) throw;
    pooled_ = true;
  }
}

std::string Connection::settings_sql() const {
  return session_settings_sql(limits_of(settings_), pooled_ ? Scope::transaction : Scope::session, server_version());
}

std::string Connection::begin_sql(const std::string& mode) const {
  return "BEGIN" + (mode.empty() ? mode : " " + mode) + "; " + (pooled_ ? settings_sql() : "");
}

ConnectionSettings Connection::address() const { return narrowed(settings_, host(), port(), socket()); }

ScriptError Connection::error_of(const pg_result* result) const {
  const std::string state = field(result, PG_DIAG_SQLSTATE);
  const std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string what = base::one_line(message.empty() ? ::PQresultErrorMessage(result) : message);
  std::string hint = hint_of_sqlstate(state);
  if (kind_of_sqlstate(state) == Kind::busy && !lock_holder_.empty()) {
    what += "; the lock is held by " + lock_holder_;
    hint = "wait for that session to end, or end it with pg_terminate_backend";
  }
  ScriptError error(kind_of_sqlstate(state), what, state, hint);
  const std::string position = field(result, PG_DIAG_STATEMENT_POSITION);
  if (!position.empty()) error.position = std::stoul(position);
  error.message = message;
  error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  error.server_hint = field(result, PG_DIAG_MESSAGE_HINT);
  return error;
}

void Connection::lost() const {
  const std::string why = base::one_line(::PQerrorMessage(connection_.get()));
  throw Error(Kind::connection_lost, "lost the connection to PostgreSQL: " + why, hint_of_lost_connection(why));
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
    LockWait lock_wait(*this, pulse);
    while (::PQisBusy(connection_.get()) != 0) {
      wait(POLLIN, lock_wait, deadline);
      if (::PQconsumeInput(connection_.get()) == 0) lost();
    }
    lock_holder_ = lock_wait.holder();
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
      failure = std::make_exception_ptr(error_of(result.get()));
    }
  }
  if (failure) std::rethrow_exception(failure);
  return tags;
}

Table Connection::query(const std::string& sql, const std::vector<std::optional<std::string>>& params, Pulse& pulse,
                        Deadline deadline) {
  if (!pooled_ || in_transaction()) return query_once(sql, params, pulse, deadline);
  Transaction transaction(*this, pulse, deadline);
  Table table = query_once(sql, params, pulse, deadline);
  transaction.commit(pulse, deadline);
  return table;
}

Table Connection::query_once(const std::string& sql, const std::vector<std::optional<std::string>>& params,
                             Pulse& pulse, Deadline deadline) {
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
      failure = std::make_exception_ptr(error_of(result.get()));
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
  const ScriptError error = error_of(result.get());
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
      failure = std::make_exception_ptr(error_of(result.get()));
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

}  // namespace wrktalk::db::raw
