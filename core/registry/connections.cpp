// SPDX-License-Identifier: Apache-2.0
#include "core/registry/connections.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <vector>

namespace wrktalk::registry {
namespace {

using base::Deadline;
using std::string_view;

constexpr int kAtOnce = 64;                 ///< connections taken before those that are open have their turn
constexpr std::size_t kHeaderBytes = 8192;  ///< of a request
constexpr int kSendBuffer = 256 * 1024;  ///< the kernel takes twice as much; what a slow client holds of it is limited
constexpr unsigned char kTlsHandshake = 0x16;
constexpr std::chrono::seconds kSweep{1};
constexpr std::chrono::seconds kRefusal{2};  ///< for the client to read it

constexpr string_view kNoTlsHere =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "
    "38\r\n\r\n"
    "this port speaks plain HTTP, not HTTPS";
constexpr string_view kTlsHere =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "
    "38\r\n\r\n"
    "this port speaks HTTPS, not plain HTTP";

bool is_out_of_descriptors(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// What lies in the kernel's send buffer.
std::uint64_t unsent(int socket) noexcept {
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

int socket_of(MHD_Connection* connection) noexcept {
  const auto* info = observe::mhd::library().get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

}  // namespace

void Connections::Stop::operator()(MHD_Daemon* daemon) const noexcept { observe::mhd::library().stop_daemon(daemon); }

Connections::Connections(const Tls& tls, const Callbacks& callbacks)
    : tls_(!tls.certificate.empty()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  const auto& mhd = observe::mhd::library();
  unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
  if (tls_) flags |= MHD_USE_TLS;
  const std::array<MHD_OptionItem, 3> with_tls = {
      {{MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(tls.certificate.c_str())},
       {MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(tls.key.c_str())},
       {MHD_OPTION_END, 0, nullptr}}};
  const MHD_OptionItem* options = tls_ ? with_tls.data() : &with_tls[2];
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): its only interface
  daemon_.reset(
      mhd.start_daemon(flags, 0, nullptr, nullptr, callbacks.answer, callbacks.context, MHD_OPTION_NOTIFY_CONNECTION,
                       &Connections::on_change, this, MHD_OPTION_NOTIFY_COMPLETED, callbacks.completed,
                       callbacks.context, MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(kMost + kReserve),
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeaderBytes, MHD_OPTION_ARRAY, options, MHD_OPTION_END));
  if (!daemon_ && tls_) {
    throw base::Error(base::Kind::configuration, "certificate and key cannot be used for TLS",
                      "give --tls-cert and --tls-key PEM files that belong together");
  }
  const auto* info = daemon_ ? mhd.get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD) : nullptr;
  epoll_event wanted{EPOLLIN, {}};
  wanted.data.fd = -1;
  if (info == nullptr || !epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, info->epoll_fd, &wanted) != 0) {
    base::throw_errno(base::Kind::failed, "cannot start libmicrohttpd");
  }
}

Connections::~Connections() {
  for (const auto& [socket, open] : open_) {
    if (open.phase == Phase::greeting || open.phase == Phase::refused) ::close(socket);
  }
}

void Connections::on_change(void* self, MHD_Connection* connection, void**,
                            MHD_ConnectionNotificationCode code) noexcept {
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) static_cast<Connections*>(self)->open_.erase(socket_of(connection));
}

Connections::Open* Connections::find(MHD_Connection* connection) {
  const auto found = open_.find(socket_of(connection));
  return found == open_.end() ? nullptr : &found->second;
}

Deadline Connections::due() const {
  MHD_UNSIGNED_LONG_LONG wait = 0;
  const bool limited = observe::mhd::library().get_timeout(daemon_.get(), &wait) == MHD_YES;
  const auto next = open_.empty() ? Deadline::never() : sweep_;
  return limited ? sooner(next, Deadline::in(std::chrono::milliseconds(wait))) : next;
}

/// Ends the connection that has been without a request the longest. False: each has one.
bool Connections::make_room() {
  auto oldest = open_.end();
  for (auto at = open_.begin(); at != open_.end(); ++at) {
    if (at->second.phase == Phase::waiting && (oldest == open_.end() || at->second.until < oldest->second.until)) {
      oldest = at;
    }
  }
  if (oldest == open_.end()) return false;
  oldest->second.phase = Phase::answering;  // not again
  // libmicrohttpd owns the socket: it reads the end and closes it.
  ::shutdown(oldest->first, SHUT_RDWR);
  observe::mhd::library().run(daemon_.get());
  return true;
}

bool Connections::accept_from(int listening) {
  for (int taken = 0; taken < kAtOnce; ++taken) {
    base::Fd socket(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && is_out_of_descriptors(errno)) return make_room();
    if (!socket && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (!socket) continue;  // the peer has gone already
    if (open_.size() >= kMost) make_room();
    if (open_.size() >= kMost + kReserve) continue;  // closed at once: a client that waits tries nowhere else
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    epoll_event wanted{EPOLLIN, {}};
    wanted.data.fd = socket.get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &wanted) != 0) continue;
    if (open_.empty()) sweep_ = Deadline::in(kSweep);
    Open& open = open_[socket.get()];
    open.until = Deadline::in(kRequest);
    socket.release();
  }
  return true;
}

void Connections::drop(int socket) {
  open_.erase(socket);
  ::close(socket);
}

void Connections::refuse(int socket, Open& open) {
  const string_view text = tls_ ? kTlsHere : kNoTlsHere;
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0) return drop(socket);
  ::shutdown(socket, SHUT_WR);
  open.phase = Phase::refused;
  open.until = Deadline::in(kRefusal);
}

/// Something has arrived on a socket that is ours still.
void Connections::greet(int socket) {
  const auto found = open_.find(socket);
  if (found == open_.end()) return;
  std::array<unsigned char, 4096> read{};
  Open& open = found->second;
  if (open.phase == Phase::refused) {
    // What is left unread when the socket is closed would take the answer away from the client.
    const ssize_t got = ::recv(socket, read.data(), read.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) drop(socket);
    return;
  }
  const ssize_t got = ::recv(socket, read.data(), 1, MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(socket);
  if ((read[0] == kTlsHandshake) != tls_) return refuse(socket, open);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  open.phase = Phase::waiting;
  const bool is_known = ::getpeername(socket, reinterpret_cast<sockaddr*>(&from), &size) == 0;
  if (!is_known) return drop(socket);
  const auto added =
      observe::mhd::library().add_connection(daemon_.get(), socket, reinterpret_cast<sockaddr*>(&from), size);
  if (added != MHD_YES) open_.erase(socket);  // closed by it
}

void Connections::run() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<std::size_t>(i)].data.fd >= 0) greet(events[static_cast<std::size_t>(i)].data.fd);
  }
  if (sweep_.passed()) end_late();
  observe::mhd::library().run(daemon_.get());
}

void Connections::end_late() {
  sweep_ = Deadline::in(kSweep);
  std::vector<int> ours;
  for (auto& [socket, open] : open_) {
    if (!open.until.passed() || open.suspended) continue;
    if (open.phase == Phase::greeting || open.phase == Phase::refused) {
      ours.push_back(socket);
      continue;
    }
    if (open.phase == Phase::answering) {
      const std::uint64_t taken = open.handed - std::min(open.handed, unsent(socket));
      if (taken >= open.taken + kLeastBytes) {
        open.taken = taken;
        open.until = Deadline::in(kStall);
        continue;
      }
      ++cut_off_;
    }
    ::shutdown(socket, SHUT_RDWR);
    open.until = Deadline::never();
  }
  for (const int socket : ours) drop(socket);
}

void Connections::end_idle() {
  std::vector<int> ours;
  for (auto& [socket, open] : open_) {
    if (open.phase == Phase::greeting) ours.push_back(socket);
    if (open.phase == Phase::waiting) ::shutdown(socket, SHUT_RDWR);
  }
  for (const int socket : ours) drop(socket);
}

void Connections::answering(MHD_Connection* connection) {
  ++busy_;
  Open* open = find(connection);
  if (open == nullptr) return;
  open->phase = Phase::answering;
  open->until = Deadline::in(kStall);
  open->handed = 0;
  open->taken = 0;
}

void Connections::handed(MHD_Connection* connection, std::size_t bytes) {
  if (Open* open = find(connection)) open->handed += bytes;
}

void Connections::answered(MHD_Connection* connection) {
  --busy_;
  Open* open = find(connection);
  if (open == nullptr) return;
  open->phase = Phase::waiting;
  open->until = Deadline::in(kIdle);
}

void Connections::suspend(MHD_Connection* connection) {
  if (Open* open = find(connection)) open->suspended = true;
  observe::mhd::library().suspend_connection(connection);
}

void Connections::resume(MHD_Connection* connection) {
  if (Open* open = find(connection)) {
    open->suspended = false;
    if (!open->until.is_never()) open->until = std::max(open->until, Deadline::in(kRequest));
  }
  observe::mhd::library().resume_connection(connection);
}

}  // namespace wrktalk::registry
