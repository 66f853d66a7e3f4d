// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/fd.hpp"
#include "core/observe/library.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace wrktalk::registry {

/// A certificate chain and its key, PEM. Empty: plain HTTP.
struct Tls {
  std::string certificate;
  std::string key;
};

/// The open connections of a libmicrohttpd that accepts none itself and runs when it is told to. All of it belongs to one thread.
///
/// A connection is looked at before libmicrohttpd gets it: a TLS handshake on a plain port, and plain HTTP on a TLS port, is answered with
/// HTTP 400, which clients understand; they try the other one then. Nobody can keep it from answering others: a request must be there
/// within `kRequest`, and a client that takes less than `kLeastBytes` of its answer in `kStall` is cut off.
class Connections {
 public:
  static constexpr std::size_t kMost = 256;    ///< the idle ones make room for new ones
  static constexpr std::size_t kReserve = 16;  ///< for probes, and for telling others that there is no room
  static constexpr std::chrono::seconds kRequest{10};
  static constexpr std::chrono::seconds kIdle{60};  ///< between two requests
  static constexpr std::chrono::seconds kStall{60};
  static constexpr std::uint64_t kLeastBytes = 32 * 1024;

  struct Callbacks {
    MHD_AccessHandlerCallback answer;
    MHD_RequestCompletedCallback completed;
    void* context;
  };
  /// Throws Error(configuration) when certificate and key are none, Error(failed) when libmicrohttpd does not start.
  Connections(const Tls& tls, const Callbacks& callbacks);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections();

  int descriptor() const noexcept { return epoll_.get(); }  ///< readable when `run` has something to do
  base::Deadline due() const;                               ///< when it has at the latest

  /// Takes what waits at the listening socket. False: the process has no descriptor left for one.
  bool accept_from(int listening);
  /// Reads and writes what can be without waiting; ends what has lasted too long.
  void run();
  void end_idle();

  /// A request's head is there: its answer is under way until `answered`.
  void answering(MHD_Connection* connection);
  /// So many bytes of the answer were given to libmicrohttpd.
  void handed(MHD_Connection* connection, std::size_t bytes);
  void answered(MHD_Connection* connection);
  /// No answer is to be had from the database for now: that is no fault of the client's.
  void suspend(MHD_Connection* connection);
  void resume(MHD_Connection* connection);

  std::size_t open() const noexcept { return open_.size(); }
  std::size_t busy() const noexcept { return busy_; }  ///< answers under way
  bool crowded() const noexcept { return open_.size() > kMost; }
  std::uint64_t cut_off() const noexcept { return cut_off_; }  ///< clients that were too slow, so far

 private:
  enum class Phase { greeting, refused, waiting, answering };
  struct Open {
    Phase phase = Phase::greeting;
    base::Deadline until = base::Deadline::never();
    bool suspended = false;
    std::uint64_t handed = 0;  ///< of the answer under way
    std::uint64_t taken = 0;   ///< of that, by the client, when `until` was set
  };
  struct Stop {
    void operator()(MHD_Daemon* daemon) const noexcept;
  };
  static void on_change(void* self, MHD_Connection* connection, void** context,
                        MHD_ConnectionNotificationCode code) noexcept;
  Open* find(MHD_Connection* connection);
  bool make_room();
  void greet(int socket);
  void refuse(int socket, Open& open);
  void drop(int socket);
  void end_late();

  const bool tls_;
  std::unordered_map<int, Open> open_;  ///< by socket; goes after the daemon, which tells of each that it closes
  std::size_t busy_ = 0;
  std::uint64_t cut_off_ = 0;
  base::Deadline sweep_ = base::Deadline::never();
  base::Fd epoll_;
  std::unique_ptr<MHD_Daemon, Stop> daemon_;
};

}  // namespace wrktalk::registry
