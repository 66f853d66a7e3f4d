// SPDX-License-Identifier: Apache-2.0
#include "core/observe/server.hpp"

#include "core/base/deadline.hpp"
#include "core/base/text.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <vector>

using namespace wrktalk;
using namespace wrktalk::observe;

namespace {

sockaddr_in loopback(std::uint32_t last, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f000000 + last);
  address.sin_port = htons(port);
  return address;
}

std::uint16_t free_port() {
  const base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(1, 0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

struct Fixture {
  Fixture() {
    auto status = new_status("site");
    status.ticked_at = base::BootClock::now();
    board.publish(status);
    server.emplace(Address{"127.0.0.1", port}, board);
  }
  /// A connection from 127.0.0.LAST that has sent `text`.
  base::Fd connect(std::uint32_t last, const std::string& text) const {
    base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto from = loopback(last, 0);
    const auto to = loopback(1, port);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    send(fd, text);
    return fd;
  }
  static bool send(const base::Fd& fd, const std::string& text) {
    return ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// What comes until the server closes, for two seconds at most.
  static std::string read(const base::Fd& fd) {
    std::string text;
    const auto until = base::Deadline::in(std::chrono::seconds(2));
    while (!until.passed()) {
      pollfd wait{fd.get(), POLLIN, 0};
      char buffer[4096];
      if (::poll(&wait, 1, 100) != 1) continue;
      const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
  std::string get(const std::string& path) const {
    return read(connect(1, "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  bool alive() const { return base::starts_with(get("/livez"), "HTTP/1.1 200 "); }

  std::uint16_t port = free_port();
  Board board;
  std::optional<Server> server;
};

}  // namespace

TEST_SUITE("observe::Server") {
  TEST_CASE("it answers what is asked, and closes") {
    const Fixture f;
    CHECK(f.alive());
    CHECK(f.get("/livez").find("\r\n\r\nok\n") != std::string::npos);
    CHECK(f.get("/metrics").find("wrktalk_build_info") != std::string::npos);
    CHECK(base::starts_with(f.get("/other"), "HTTP/1.1 404 "));
    const auto posted = f.connect(1, "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    CHECK(base::starts_with(Fixture::read(posted), "HTTP/1.1 405 "));
  }

  TEST_CASE("slow connections, however many from however many addresses, starve nobody") {
    const Fixture f;
    std::vector<base::Fd> slow;
    for (std::uint32_t address = 2; address < 12; ++address) {
      for (int i = 0; i < 8; ++i) slow.push_back(f.connect(address, "GET /livez HT"));
    }
    for (int i = 0; i < 100; ++i) slow.push_back(f.connect(12, "G"));
    CHECK(f.alive());
    // What was opened first went first.
    CHECK(Fixture::read(slow.front()).empty());
    CHECK(Fixture::send(slow.back(), "ET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(base::starts_with(Fixture::read(slow.back()), "HTTP/1.1 200 "));
  }

  TEST_CASE("a request that comes byte by byte is given up when it has lasted too long") {
    const Fixture f;
    const auto slow = f.connect(1, "GET /livez HTTP/1.1\r\nX: ");
    const auto began = base::BootClock::now();
    const auto until = base::Deadline::in(std::chrono::seconds(15));
    bool closed = false;
    while (!closed && !until.passed()) {
      Fixture::send(slow, "a");
      pollfd wait{slow.get(), POLLIN, 0};
      char byte = 0;
      closed = ::poll(&wait, 1, 200) == 1 && ::recv(slow.get(), &byte, 1, 0) <= 0;
    }
    CHECK(closed);
    CHECK(base::BootClock::now() - began < std::chrono::seconds(8));
    CHECK(f.alive());
  }

  TEST_CASE("an answer that nobody reads does not stay for ever, and the server ends at once") {
    Fixture f;
    const auto silent = f.connect(1, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(f.alive());
    const auto began = base::BootClock::now();
    f.server.reset();
    CHECK(base::BootClock::now() - began < std::chrono::seconds(2));
  }
}
