// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/registry/answers.hpp"
#include "core/registry/catalog.hpp"
#include "core/registry/connections.hpp"
#include "core/registry/database.hpp"
#include "core/registry/done.hpp"
#include "core/registry/exchange.hpp"
#include "core/registry/figures.hpp"
#include "core/registry/server.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace wrktalk::observe {
class Metrics;
}

namespace wrktalk::registry {

/// What tells the server's thread to end.
struct Ender {
  int fd;                      ///< readable: ask
  std::function<bool()> ends;  ///< whether it is to end; the second time at once
};

/// What one thread does for all connections: `serve` and `LocalServer` are made of it.
class Server {
 public:
  explicit Server(const Settings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  void run(const Ender& ender, std::chrono::milliseconds grace);
  std::uint16_t port() const;
  std::uint64_t sent() const noexcept { return sent_; }  ///< for all threads, as the next one
  std::string damage() const;

 private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* version, const char* upload, size_t* upload_size, void** request) noexcept;
  static void on_completed(void* self, MHD_Connection* connection, void** request,
                           MHD_RequestTerminationCode why) noexcept;
  static ssize_t on_read(void* exchange, std::uint64_t position, char* to, std::size_t most) noexcept;

  MHD_Result answer(Exchange& exchange);
  void look_up(Exchange& exchange);
  Reply local_reply(const Exchange& exchange);
  Reply ready() const;
  Reply metrics();
  ssize_t read(Exchange& exchange, char* to, std::size_t most);
  void read_ahead(Exchange& exchange);
  void wait_for_worker(Exchange& exchange);
  void give_to_worker(Exchange& exchange, std::chrono::milliseconds patience,
                      std::function<void(db::raw::Connection&, base::Pulse&)> work);
  void ended(const Exchange& exchange, const base::Error* error);
  void heard(const base::Error* error);
  void take_back();
  void check_database();
  void tell(const Exchange& exchange, MHD_RequestTerminationCode why);

  base::Fd listening_;
  Catalog catalog_;
  Health health_;
  Done done_;
  Figures figures_;
  std::atomic<std::uint64_t> damaged_{0};
  std::atomic<std::uint64_t> sent_{0};
  mutable std::mutex damage_mutex_;
  std::string damage_;  ///< the last
  const bool is_local_;
  std::unique_ptr<observe::Metrics> metrics_;
  std::size_t with_workers_ = 0;
  bool checking_ = false;
  std::atomic<bool> checked_{false};
  bool ending_ = false;
  bool stopping_ = false;
  Connections connections_;
  Database database_;
};

}  // namespace wrktalk::registry
