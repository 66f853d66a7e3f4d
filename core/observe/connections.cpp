// SPDX-License-Identifier: Apache-2.0
#include "core/observe/connections.hpp"

#include "core/base/error.hpp"
#include "core/observe/library.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace wrktalk::observe {
namespace {

constexpr int kAtOnce = 64;                 ///< connections taken before those that are open have their turn
constexpr std::size_t kHeaderBytes = 8192;  ///< of a request

}  // namespace

void Connections::Stop::operator()(MHD_Daemon* daemon) const noexcept { mhd::library().stop_daemon(daemon); }

Connections::Connections(MHD_AccessHandlerCallback answer, void* context) {
  const auto& mhd = mhd::library();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): its only interface
  daemon_.reset(mhd.start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, nullptr, nullptr, answer, context,
                                 MHD_OPTION_NOTIFY_CONNECTION, &Connections::on_change, this,
                                 MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(2 * kMost),
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeaderBytes, MHD_OPTION_END));
  const auto* info = daemon_ ? mhd.get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD) : nullptr;
  if (info == nullptr) base::throw_errno(base::Kind::failed, "cannot start libmicrohttpd");
  epoll_ = info->epoll_fd;
}

void Connections::on_change(void* self, MHD_Connection* connection, void**,
                            MHD_ConnectionNotificationCode code) noexcept {
  if (code != MHD_CONNECTION_NOTIFY_CLOSED) return;
  const auto* info = mhd::library().get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return;
  static_cast<Connections*>(self)->open_.remove_if([&](const Open& open) { return open.socket == info->connect_fd; });
}

void Connections::end_oldest() noexcept {
  // libmicrohttpd owns the socket: it reads the end and closes it.
  if (!open_.empty()) ::shutdown(open_.front().socket, SHUT_RDWR);
  mhd::library().run(daemon_.get());
}

bool Connections::accept_from(int listening) {
  for (int taken = 0; taken < kAtOnce; ++taken) {
    if (open_.size() >= kMost) end_oldest();
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int socket = ::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
      end_oldest();
      return false;
    }
    if (socket < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (socket < 0) continue;  // the peer has gone already
    open_.push_back({socket, base::Deadline::in(kLongest)});
    if (mhd::library().add_connection(daemon_.get(), socket, reinterpret_cast<sockaddr*>(&from), size) != MHD_YES) {
      open_.remove_if([&](const Open& open) { return open.socket == socket; });  // closed by it
    }
  }
  return true;
}

void Connections::run() {
  for (auto& open : open_) {
    if (!open.until.passed()) break;
    ::shutdown(open.socket, SHUT_RDWR);
  }
  mhd::library().run(daemon_.get());
}

base::Deadline Connections::due() const {
  MHD_UNSIGNED_LONG_LONG wait = 0;
  const bool limited = mhd::library().get_timeout(daemon_.get(), &wait) == MHD_YES;
  const auto next = open_.empty() ? base::Deadline::never() : open_.front().until;
  return limited ? sooner(next, base::Deadline::in(std::chrono::milliseconds(wait))) : next;
}

}  // namespace wrktalk::observe
