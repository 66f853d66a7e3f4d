// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/observe/address.hpp"
#include "core/observe/board.hpp"
#include "core/observe/metrics.hpp"

#include <memory>
#include <thread>

namespace wrktalk::observe {

/// Answers GET and HEAD of /livez, /readyz and /metrics until it goes, one request a connection. Its thread reads the board and touches
/// nothing else; no signal is delivered to it.
///
/// Nobody can keep it from answering others: a connection lasts five seconds in all, whatever comes and however slowly, and when 64 are open
/// the oldest makes room for a new one.
class Server {
 public:
  /// What its thread reads.
  struct Shown {
    const Board& board;
    Metrics metrics;
  };

  /// Listens from here on. Throws Error(configuration) when it cannot, or when a library it needs is not installed.
  Server(const Address& address, const Board& board);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

 private:
  std::unique_ptr<Shown> shown_;
  base::Fd socket_;
  base::Fd stop_;  ///< readable: the thread ends
  std::thread thread_;
};

}  // namespace wrktalk::observe
