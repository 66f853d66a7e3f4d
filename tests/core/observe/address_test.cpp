// SPDX-License-Identifier: Apache-2.0
#include "core/observe/address.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>

using namespace wrktalk;
using namespace wrktalk::observe;

namespace {

/// The port that the kernel gave to a socket.
std::uint16_t port_of(const base::Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

}  // namespace

TEST_SUITE("observe::Address") {
  TEST_CASE("an address is a numeric host and a port; no host means all") {
    const auto four = parse_address("127.0.0.1:9464");
    CHECK(four.host == "127.0.0.1");
    CHECK(four.port == 9464);
    const auto six = parse_address("[::1]:9464");
    CHECK(six.host == "::1");
    CHECK(parse_address(":9464").host.empty());
    for (const char* text : {"127.0.0.1:9464", "[::1]:80", ":9464"}) CHECK(to_text(parse_address(text)) == text);
  }

  TEST_CASE("what is none is a wrong setting, and the hint shows what one looks like") {
    for (const char* text : {"", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:94x",
                             "localhost:9464", "::1:9464", "[127.0.0.1]:9464", "[::1:9464", "1.2.3:9464", "[]:9464"}) {
      CAPTURE(text);
      try {
        parse_address(text);
        FAIL("taken");
      } catch (const base::Error& e) {
        CHECK(e.kind() == base::Kind::configuration);
        CHECK(e.hint().find("127.0.0.1:9464") != std::string::npos);
      }
    }
  }

  TEST_CASE("a port that somebody has is refused by name") {
    const auto first = listen_on({"127.0.0.1", 0});
    const Address taken{"127.0.0.1", port_of(first)};
    CHECK_THROWS_WITH_AS(listen_on(taken), ("cannot listen on " + to_text(taken) + ": Address already in use").c_str(),
                         base::Error);
  }

  TEST_CASE("a machine listens only on addresses of its own") {
    CHECK_THROWS_AS(listen_on({"192.0.2.1", 0}), base::Error);
  }
}
