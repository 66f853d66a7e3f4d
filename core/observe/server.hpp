// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/address.hpp"
#include "core/observe/board.hpp"
#include "core/observe/metrics.hpp"

#include <memory>

struct MHD_Daemon;

namespace wrktalk::observe {

/// Answers GET and HEAD of /livez, /readyz and /metrics until it goes. The one thread besides the loop: it reads the board and touches
/// nothing else; no signal is delivered to it.
class Server {
 public:
  /// What its thread reads.
  struct Shown {
    const Board& board;
    Metrics metrics;
  };

  /// Listens from here on. Throws Error(configuration) when it cannot, or when a library it needs is not installed.
  Server(const Address& address, const Board& board);

 private:
  struct Stop {
    void operator()(MHD_Daemon* daemon) const noexcept;
  };
  std::unique_ptr<Shown> shown_;  // goes after the daemon
  std::unique_ptr<MHD_Daemon, Stop> daemon_;
};

}  // namespace wrktalk::observe
