// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/address.hpp"
#include "core/observe/board.hpp"

#include <memory>

struct MHD_Daemon;

namespace wrktalk::observe {

/// Answers GET and HEAD of /livez, /readyz and /metrics until it goes. The one thread besides the loop: it reads the board and touches
/// nothing else; no signal is delivered to it.
class Server {
 public:
  /// Listens from here on. Throws Error(configuration) when it cannot.
  Server(const Address& address, const Board& board);

 private:
  struct Stop {
    void operator()(MHD_Daemon* daemon) const noexcept;
  };
  std::unique_ptr<MHD_Daemon, Stop> daemon_;
};

}  // namespace wrktalk::observe
