// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/db/settings.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wrktalk::test {

/// A TCP port on 127.0.0.1 that passes everything on to a server, until it falls silent: then it keeps all connections
/// open, lets new ones come in, and forwards nothing more.
class TcpProxy {
 public:
  explicit TcpProxy(const db::ConnectionSettings& server);
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;
  ~TcpProxy();

  void fall_silent();
  std::string port() const { return port_; }
  /// The server's settings by way of this port.
  db::ConnectionSettings settings() const;

 private:
  void forward();

  const db::ConnectionSettings server_;
  base::Fd listener_;
  base::Fd wake_;
  std::string port_;
  std::atomic<bool> silent_{false};
  std::atomic<bool> ending_{false};
  std::vector<std::pair<base::Fd, base::Fd>> pairs_;  ///< the thread's own
  std::thread thread_;
};

}  // namespace wrktalk::test
