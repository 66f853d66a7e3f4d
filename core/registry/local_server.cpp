// SPDX-License-Identifier: Apache-2.0
#include "core/registry/local_server.hpp"

#include "core/base/error.hpp"
#include "core/db/blocking_call.hpp"
#include "core/registry/loop.hpp"

#include <sys/eventfd.h>
#include <thread>

namespace wrktalk::registry {

struct LocalServer::State {
  explicit State(const Settings& settings) : server(settings), stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!stop) base::throw_errno(base::Kind::failed, "eventfd");
    thread = db::start_thread([this] {
      server.run({stop.get(), [this] { return stopped.load(); }}, std::chrono::milliseconds(0));
    });
  }

  Server server;
  base::Fd stop;
  std::atomic<bool> stopped{false};
  std::thread thread;
};

LocalServer::LocalServer(Database::Login database) {
  Settings settings;
  settings.address = {"127.0.0.1", 0};
  settings.database = std::move(database);
  settings.is_local = true;
  state_ = std::make_unique<State>(settings);
}

LocalServer::~LocalServer() {
  state_->stopped = true;
  ::eventfd_write(state_->stop.get(), 1);
  state_->thread.join();
}

std::string LocalServer::address() const { return "127.0.0.1:" + std::to_string(state_->server.port()); }
std::uint64_t LocalServer::sent() const { return state_->server.sent(); }
std::string LocalServer::damage() const { return state_->server.damage(); }

}  // namespace wrktalk::registry
