// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>

namespace wrktalk::test {

/// Answers every connection on a port of the loopback with what `answer` makes of the request, and closes it.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::function<std::string(const std::string& request)> answer)
      : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 8) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    ended_ = true;
    thread_.join();
  }

  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int port() const noexcept { return port_; }

 private:
  void serve() {
    while (!ended_) {
      pollfd fd{socket_.get(), POLLIN, 0};
      if (::poll(&fd, 1, 20) != 1) continue;
      const base::Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const std::string text = answer_(request(client.get()));
      std::size_t sent = 0;
      while (sent < text.size()) {
        const ssize_t n = ::send(client.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
    }
  }

  static std::string request(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(n));
      const bool is_tls = text.front() == '\x16';
      if (is_tls) return text;
      const std::size_t head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const std::size_t length = text.find("Content-Length: ");
      const std::size_t body = length < head ? std::stoul(text.substr(length + 16)) : 0;
      if (text.size() >= head + 4 + body) return text;
    }
  }

  std::function<std::string(const std::string&)> answer_;
  base::Fd socket_;
  int port_ = 0;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace wrktalk::test
