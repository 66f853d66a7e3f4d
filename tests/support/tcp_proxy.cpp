// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace wrktalk::test {
namespace {

std::string value_of(const db::ConnectionSettings& settings, const std::string& keyword) {
  for (const auto& [key, value] : settings.parameters) {
    if (key == keyword) return value;
  }
  return {};
}

sockaddr_in on_loopback(const std::string& port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(static_cast<std::uint16_t>(std::stoi(port)));
  return address;
}

base::Fd connected(const sockaddr* address, socklen_t size) {
  base::Fd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address, size) != 0) throw std::runtime_error("the proxy cannot reach the server");
  return fd;
}

base::Fd connected(const db::ConnectionSettings& server) {
  const std::string port = value_of(server, "port").empty() ? "5432" : value_of(server, "port");
  const std::string host = value_of(server, "host");
  if (host.empty() || host.front() != '/') {
    const sockaddr_in address = on_loopback(port);
    return connected(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (host + "/.s.PGSQL." + port).c_str(), sizeof address.sun_path - 1);
  return connected(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// False at the end.
bool pass_on(int from, int to) {
  std::array<char, 16'384> data{};
  const ssize_t size = ::recv(from, data.data(), data.size(), 0);
  return size > 0 && ::send(to, data.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
}

}  // namespace

TcpProxy::TcpProxy(const db::ConnectionSettings& server)
    : server_(server), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), wake_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = on_loopback("0");
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), any, &size) != 0) {
    throw std::runtime_error("the proxy has no port");
  }
  port_ = std::to_string(::ntohs(address.sin_port));
  thread_ = std::thread([this] { forward(); });
}

TcpProxy::~TcpProxy() {
  ending_ = true;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void TcpProxy::fall_silent() {
  silent_ = true;
  ::eventfd_write(wake_.get(), 1);
}

db::ConnectionSettings TcpProxy::settings() const {
  return db::with_parameter(db::with_parameter(server_, "host", "127.0.0.1"), "port", port_);
}

void TcpProxy::forward() {
  while (!ending_) {
    std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
    if (!silent_) {
      fds.push_back({listener_.get(), POLLIN, 0});
      for (const auto& [client, server] : pairs_) {
        fds.push_back({client.get(), POLLIN, 0});
        fds.push_back({server.get(), POLLIN, 0});
      }
    }
    ::poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) {
      eventfd_t ignored = 0;
      ::eventfd_read(wake_.get(), &ignored);
      continue;
    }
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      const auto& [client, server] = pairs_[i];
      const bool open = (fds[2 + 2 * i].revents == 0 || pass_on(client.get(), server.get())) &&
                        (fds[3 + 2 * i].revents == 0 || pass_on(server.get(), client.get()));
      if (!open) pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (fds[1].revents != 0) {
      base::Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      pairs_.emplace_back(std::move(client), connected(server_));
    }
  }
}

}  // namespace wrktalk::test
