// SPDX-License-Identifier: Apache-2.0
#include "core/registry/loop.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/observe/metrics.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>

namespace wrktalk::registry {
namespace {

using base::Deadline;
using base::Error;
using What = Route::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kWorkers = 4;

/// What is read and held for one answer: the less, the more are under way. Each divides images::kChunk.
std::int64_t slice_size(std::size_t busy) noexcept {
  constexpr std::size_t kFew = 8;
  constexpr std::size_t kMany = 64;
  return (busy <= kFew ? 256 : busy <= kMany ? 64 : 16) << 10;
}

constexpr std::chrono::seconds kPatience{20};  ///< of an answer under way, with a database that is away
constexpr std::chrono::seconds kCheck{5};      ///< how often an idle registry asks for the database
constexpr std::chrono::seconds kSilence{30};   ///< a database that was not heard of for so long is away
constexpr milliseconds kWithoutDescriptors{100};

}  // namespace

Server::Server(const Settings& settings)
    : listening_(observe::listen_on(settings.address)),
      is_local_(settings.is_local),
      connections_(settings.tls, {&Server::on_request, &Server::on_completed, this}),
      database_(settings.database, kWorkers) {}

Server::~Server() {
  // libmicrohttpd does not end while a connection is suspended.
  stopping_ = true;
  database_.stop();
  while (with_workers_ > 0) {
    pollfd done{done_.fd(), POLLIN, 0};
    ::poll(&done, 1, -1);
    take_back();
  }
  connections_.run();
}

MHD_Result Server::on_request(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                              const char*, size_t* upload_size, void** request) noexcept {
  auto& server = *static_cast<Server*>(self);
  try {
    if (*request == nullptr) {
      auto exchange = read_request(connection, method, path);
      exchange->refused = server.connections_.crowded();
      server.connections_.answering(connection);
      *request = exchange.release();
      return MHD_YES;
    }
    // Nobody has a body to send: what comes all the same is read and forgotten before the answer.
    if (*upload_size == 0) return server.answer(*static_cast<Exchange*>(*request));
    *upload_size = 0;
    return MHD_YES;
  } catch (const std::exception&) {
    return MHD_NO;  // no memory: the connection is closed
  }
}

void Server::on_completed(void* self, MHD_Connection* connection, void** request,
                          MHD_RequestTerminationCode why) noexcept {
  std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(*request));
  *request = nullptr;
  if (!exchange) return;
  auto& server = *static_cast<Server*>(self);
  server.connections_.answered(connection);
  try {
    server.tell(*exchange, why);
  } catch (const std::exception&) {
    // No memory for a line of the log.
  }
  if (!exchange->reading) return;
  exchange->gone = true;
  (void)exchange.release();  // a worker has it: `take_back` takes it
}

ssize_t Server::on_read(void* exchange, std::uint64_t, char* to, std::size_t most) noexcept {
  auto& one = *static_cast<Exchange*>(exchange);
  try {
    return static_cast<Server*>(one.server)->read(one, to, most);
  } catch (const std::exception&) {
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
}

MHD_Result Server::answer(Exchange& exchange) {
  const What kind = exchange.route.kind;
  const bool from_database = kind == What::manifest || kind == What::blob || kind == What::tags;
  const bool is_read = exchange.method == "GET" || exchange.is_head();
  if (exchange.state == Exchange::State::fresh && from_database && is_read && !exchange.refused) {
    exchange.state = Exchange::State::looking;
    look_up(exchange);
    return MHD_YES;
  }
  if (exchange.state == Exchange::State::fresh) exchange.reply = local_reply(exchange);
  exchange.state = Exchange::State::sending;
  return queue(exchange, exchange.refused || ending_, &Server::on_read);
}

Reply Server::local_reply(const Exchange& exchange) {
  if (exchange.method != "GET" && !exchange.is_head()) {
    return {405, kJson, error_body("UNSUPPORTED", "this registry is read-only: only GET and HEAD")};
  }
  switch (exchange.route.kind) {
    case What::livez: return {200, kPlain, "ok\n"};
    case What::readyz: return ready();
    case What::metrics: return metrics();
    default: break;
  }
  if (exchange.refused) return {503, kJson, error_body("UNAVAILABLE", "too many connections: try again")};
  if (exchange.route.kind == What::base) return {200, kJson, "{}\n"};
  if (exchange.route.kind == What::malformed) {
    return {400, kJson, error_body(exchange.route.code, "no client may ask for this name")};
  }
  return {404, kJson, error_body("UNSUPPORTED", "this registry answers manifests, blobs and tags/list alone")};
}

Reply Server::ready() const {
  if (ending_) return {503, kPlain, "ending: no new request is taken\n"};
  std::string problem = health_.problem();
  if (problem.empty() && health_.age() > kSilence) problem = "no answer for a while";
  if (problem.empty()) return {200, kPlain, "ok\n"};
  return {503, kPlain, "database: " + problem + "\n"};
}

Reply Server::metrics() {
  try {
    if (!metrics_) metrics_ = std::make_unique<observe::Metrics>();
  } catch (const Error& error) {
    return {503, kPlain, std::string(error.what()) + "\n"};
  }
  figures_.damaged = damaged_;
  figures_.cut_off = connections_.cut_off();
  figures_.connections = connections_.open();
  figures_.ready = ready().status == 200;
  figures_.database = health_.problem().empty();
  return {200, observe::kMetricsType, metrics_->text(figures_.families())};
}

void Server::look_up(Exchange& exchange) {
  exchange.slice = slice_size(connections_.busy());
  exchange.server = this;
  give_to_worker(exchange, milliseconds(0), [this, &exchange](db::raw::Connection& db, base::Pulse& pulse) {
    try {
      if (exchange.route.kind == What::tags) {
        const nlohmann::ordered_json body = {
            {"name", exchange.route.repository},
            {"tags", Catalog::tags(db, exchange.route.repository, exchange.host, pulse)}};
        exchange.reply = {200, kJson, body.dump() + "\n"};
        return;
      }
      exchange.blob = catalog_.find(db, exchange.route, exchange.host, pulse);
    } catch (const Refusal& refusal) {
      exchange.reply = {static_cast<unsigned>(refusal.status), kJson, error_body(refusal.code, refusal.message)};
      return;
    }
    choose_bytes(exchange);
    if (!exchange.is_head() && exchange.at < exchange.bytes.to) read_next(exchange, db, pulse);
  });
  wait_for_worker(exchange);
}

/// Sends one slice while a worker reads the next.
ssize_t Server::read(Exchange& exchange, char* to, std::size_t most) {
  if (exchange.left().empty()) {
    if (exchange.ahead.error || stopping_) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (exchange.reading || exchange.ahead.data.empty()) {
      read_ahead(exchange);
      wait_for_worker(exchange);
      return 0;
    }
    exchange.next_slice();
  }
  read_ahead(exchange);
  const auto left = exchange.left();
  const std::size_t size = std::min(most, left.size());
  std::memcpy(to, left.data(), size);
  exchange.at += static_cast<std::int64_t>(size);
  exchange.data_at += size;
  figures_.bytes += size;
  sent_ = figures_.bytes;
  connections_.handed(exchange.connection, size);
  return static_cast<ssize_t>(size);
}

/// Unless it is read already, or there is no more.
void Server::read_ahead(Exchange& exchange) {
  const auto& ahead = exchange.ahead;
  if (exchange.reading || !ahead.data.empty() || ahead.error || ahead.from >= exchange.bytes.to || stopping_) return;
  give_to_worker(exchange, kPatience,
                 [&exchange](db::raw::Connection& db, base::Pulse& pulse) { read_next(exchange, db, pulse); });
}

void Server::give_to_worker(Exchange& exchange, milliseconds patience,
                            std::function<void(db::raw::Connection&, base::Pulse&)> work) {
  exchange.reading = true;
  ++with_workers_;
  database_.submit({std::move(work),
                    [this, &exchange](const Error* error) {
                      if (error != nullptr) exchange.ahead.error = *error;
                      ended(exchange, error);
                      done_.put(&exchange);
                    },
                    patience});
}

void Server::wait_for_worker(Exchange& exchange) {
  exchange.waits = true;
  connections_.suspend(exchange.connection);
}

/// In a worker's thread.
void Server::ended(const Exchange& exchange, const Error* error) {
  const bool is_damage = error != nullptr && error->kind() == base::Kind::artifact;
  if (is_damage) {
    ++damaged_;
    const std::lock_guard<std::mutex> lock(damage_mutex_);
    damage_ = error->what();
    log::error("registry.damaged", error->what(), {{"repository", exchange.route.repository}, {"hint", error->hint()}});
  }
  heard(is_damage ? nullptr : error);
}

/// In a worker's thread.
void Server::heard(const Error* error) {
  if (error != nullptr && error->kind() == base::Kind::terminated) return;
  const bool was_well = !health_.knows() || health_.problem().empty();
  const bool is_new = !health_.knows();
  health_.set(error == nullptr ? "" : error->what());
  if (error != nullptr && was_well) {
    log::warn("registry.database_away", error->what(), {{"hint", error->hint()}});
  } else if (error == nullptr && !was_well && !is_new) {
    log::info("registry.database_back", "the database answers again");
  }
}

void Server::take_back() {
  for (auto* exchange : done_.take()) {
    --with_workers_;
    exchange->reading = false;
    if (exchange->gone) {
      delete exchange;
      continue;
    }
    if (exchange->ahead.error && exchange->state == Exchange::State::looking)
      give_up(*exchange, *exchange->ahead.error);
    if (!exchange->waits) continue;
    exchange->waits = false;
    connections_.resume(exchange->connection);
  }
}

void Server::check_database() {
  if (checking_ && checked_) checking_ = checked_ = false;
  if (checking_ || (health_.knows() && health_.age() < kCheck)) return;
  checking_ = true;
  database_.submit({[](db::raw::Connection& db, base::Pulse& pulse) { check(db, pulse); },
                    [this](const Error* error) {
                      heard(error);
                      checked_ = true;
                    },
                    milliseconds(0)});
}

void Server::tell(const Exchange& exchange, MHD_RequestTerminationCode why) {
  const auto kind = exchange.route.kind;
  ++figures_.requests[{name_of(kind), exchange.reply.status}];
  if (kind == What::livez || kind == What::readyz || kind == What::metrics) return;
  const bool is_whole = why == MHD_REQUEST_TERMINATED_COMPLETED_OK;
  const auto took = std::chrono::duration_cast<milliseconds>(base::BootClock::now() - exchange.began);
  const std::int64_t sent = exchange.blob && !exchange.is_head() ? exchange.at - exchange.bytes.from : 0;
  const auto level = is_local_ ? log::debug : log::info;
  level(is_whole ? "registry.answered" : "registry.broken_off", exchange.method + " " + exchange.path,
        {{"status", std::to_string(exchange.reply.status)},
         {"host", exchange.host},
         {"bytes", std::to_string(sent)},
         {"ms", std::to_string(took.count())},
         {"client", exchange.client}});
}

std::uint16_t Server::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::string Server::damage() const {
  const std::lock_guard<std::mutex> lock(damage_mutex_);
  return damage_;
}

void Server::run(const Ender& ender, milliseconds grace) {
  bool takes_more = true;
  Deadline last = Deadline::never();
  Deadline check = Deadline::in(milliseconds(0));
  for (;;) {
    const int accepting = takes_more && !ending_ ? listening_.get() : -1;
    std::array<pollfd, 4> fds = {{{ender.fd, POLLIN, 0},
                                  {connections_.descriptor(), POLLIN, 0},
                                  {done_.fd(), POLLIN, 0},
                                  {accepting, POLLIN, 0}}};
    const Deadline due = sooner(sooner(connections_.due(), check), last);
    const Deadline wait = takes_more ? due : sooner(due, Deadline::in(kWithoutDescriptors));
    ::poll(fds.data(), fds.size(), wait.poll_timeout());
    if (ender.ends()) {
      if (ending_) return;
      ending_ = true;
      last = Deadline::in(grace);
      listening_.reset();
      (is_local_ ? log::debug : log::info)(
          "registry.ending", "answers under way may end",
          {{"answers", std::to_string(connections_.busy())}, {"within", base::human_duration(grace)}});
    }
    takes_more = ending_ || fds[3].revents == 0 || connections_.accept_from(listening_.get());
    take_back();
    if (check.passed()) {
      check_database();
      check = Deadline::in(kCheck);
    }
    connections_.run();
    if (!ending_) continue;
    connections_.end_idle();
    if (connections_.busy() == 0 || last.passed()) return;
  }
}

}  // namespace wrktalk::registry
