// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <chrono>
#include <list>
#include <memory>
#include <microhttpd.h>

namespace wrktalk::observe {

/// The open connections of a libmicrohttpd that accepts none itself and runs when it is told to. All of it belongs to one thread.
class Connections {
 public:
  /// From the first byte of a request to the last one of its answer.
  static constexpr std::chrono::seconds kLongest{5};
  static constexpr std::size_t kMost = 64;

  /// `answer` is called with `context`, as MHD_start_daemon has it. Throws Error(failed) when libmicrohttpd does not start.
  Connections(MHD_AccessHandlerCallback answer, void* context);

  /// Takes what waits at the listening socket, the oldest connection going where there are too many. False: the process has no
  /// descriptor left for one, although the oldest went.
  bool accept_from(int listening);
  /// Reads and writes what can be without waiting; ends what has lasted too long.
  void run();

  int descriptor() const noexcept { return epoll_; }  ///< readable when `run` has something to do
  base::Deadline due() const;                         ///< when it has at the latest

 private:
  struct Open {
    int socket;
    base::Deadline until;
  };
  struct Stop {
    void operator()(MHD_Daemon* daemon) const noexcept;
  };
  static void on_change(void* self, MHD_Connection* connection, void** context,
                        MHD_ConnectionNotificationCode code) noexcept;
  void end_oldest() noexcept;

  std::list<Open> open_;  ///< the oldest first; goes after the daemon, which tells of each that it closes
  std::unique_ptr<MHD_Daemon, Stop> daemon_;
  int epoll_ = -1;
};

}  // namespace wrktalk::observe
