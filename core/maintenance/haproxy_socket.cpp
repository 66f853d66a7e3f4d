// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/haproxy_socket.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace wrktalk::maintenance {
namespace {

using base::Deadline;
using base::Error;
using base::Fd;
using base::Kind;

constexpr std::chrono::seconds kTakes{5};
constexpr std::chrono::milliseconds kBetweenTries{50};
constexpr std::size_t kLongestAnswer = 16 * 1024 * 1024;

/// One exchange: connect, one command, everything that comes back.
class Exchange {
 public:
  Exchange(const std::string& address, base::Pulse& pulse) : address_(address), pulse_(pulse) {
    address.find('/') != std::string::npos ? connect_unix() : connect_tcp();
  }

  void send(std::string text) {
    while (!text.empty()) {
      wait_for(POLLOUT);
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        text.erase(0, static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN && errno != EINTR) {
        lost();
      }
    }
  }

  std::string receive() {
    std::string answer;
    std::array<char, 16 * 1024> buffer{};
    while (answer.size() < kLongestAnswer) {
      wait_for(POLLIN);
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got == 0) return answer;
      if (got > 0) {
        answer.append(buffer.data(), static_cast<std::size_t>(got));
      } else if (errno != EAGAIN && errno != EINTR) {
        lost();
      }
    }
    throw Error(Kind::child, "haproxy at " + address_ + " answers without end");
  }

 private:
  void connect_unix() {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address_.size() >= sizeof name.sun_path) {
      throw Error(Kind::configuration, "the path of haproxy's socket is too long: " + address_,
                  "put the socket into a folder with a shorter path");
    }
    std::memcpy(name.sun_path, address_.c_str(), address_.size() + 1);
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // A full backlog is no error to wait for with poll(2): it is tried again.
    while (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
      if (errno != EAGAIN) nobody_there();
      base::pause(pulse_, base::sooner(Deadline::in(kBetweenTries), until_));
      if (until_.passed()) late();
    }
  }

  void connect_tcp() {
    const std::size_t colon = address_.rfind(':');
    std::string host = address_.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), address_.c_str() + colon + 1, &wanted, &list);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
    if (code != 0) {
      throw Error(Kind::configuration, "cannot find haproxy at " + address_ + ": " + ::gai_strerror(code),
                  "check WRKTALK_AGENT_HAPROXY_SOCKET");
    }
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
      socket_.reset(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      int error = ::connect(socket_.get(), one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
      if (error == EINPROGRESS) {
        wait_for(POLLOUT);
        socklen_t size = sizeof error;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      }
      if (error == 0) return;
      errno = error;
    }
    nobody_there();
  }

  void wait_for(short events) {
    for (;;) {
      std::vector<pollfd> fds{{socket_.get(), events, 0}};
      const Deadline next = base::sooner(pulse_.watch(fds), until_);
      if (::poll(fds.data(), fds.size(), next.poll_timeout()) < 0 && errno != EINTR) lost();
      pulse_.tick();
      if (fds[0].revents != 0) return;
      if (until_.passed()) late();
    }
  }

  [[noreturn]] void nobody_there() const {
    base::throw_errno(Kind::configuration, "cannot reach haproxy at " + address_,
                      "check that it runs, WRKTALK_AGENT_HAPROXY_SOCKET, and who may use the socket (`stats socket` in "
                      "its configuration)");
  }
  [[noreturn]] void lost() const { base::throw_errno(Kind::child, "lost haproxy at " + address_); }
  [[noreturn]] void late() const {
    throw Error(Kind::child, "haproxy at " + address_ + " gave no whole answer within " + base::human_duration(kTakes),
                "look at its log");
  }

  const std::string& address_;
  base::Pulse& pulse_;
  Deadline until_ = Deadline::in(kTakes);
  Fd socket_;
};

}  // namespace

std::string ask_haproxy(const std::string& address, const std::string& command, base::Pulse& pulse) {
  Exchange exchange(address, pulse);
  exchange.send(command + "\n");
  std::string answer = exchange.receive();
  while (!answer.empty() && answer.back() == '\n') answer.pop_back();
  return answer;
}

}  // namespace wrktalk::maintenance
