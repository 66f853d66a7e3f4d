// SPDX-License-Identifier: Apache-2.0
#include "core/observe/address.hpp"

#include "core/base/error.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

namespace wrktalk::observe {
namespace {

using base::Error;
using base::Kind;

constexpr int kBacklog = 128;

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;

  int family() const noexcept { return address.ss_family; }
};

template <class T>
Endpoint endpoint(const T& socket_address) {
  Endpoint out;
  std::memcpy(&out.address, &socket_address, sizeof socket_address);
  out.size = sizeof socket_address;
  return out;
}

Endpoint v4(const in_addr& host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr = host;
  out.sin_port = htons(port);
  return endpoint(out);
}

Endpoint v6(const in6_addr& host, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_addr = host;
  out.sin6_port = htons(port);
  return endpoint(out);
}

/// What may be tried, the best first: a kernel without IPv6 has only the second of the two that mean every address.
std::vector<Endpoint> endpoints(const Address& address) {
  if (address.host.empty()) return {v6(in6addr_any, address.port), v4({INADDR_ANY}, address.port)};
  in_addr four{};
  if (::inet_pton(AF_INET, address.host.c_str(), &four) == 1) return {v4(four, address.port)};
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.host.c_str(), &six) == 1) return {v6(six, address.port)};
  return {};
}

base::Fd try_to_listen(const Endpoint& where) {
  base::Fd fd(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return {};
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.family() == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where.address), where.size) != 0) return {};
  if (::listen(fd.get(), kBacklog) != 0) return {};
  return fd;
}

}  // namespace

Address parse_address(const std::string& text) {
  const Error no_address(Kind::configuration, "'" + text + "' is no address to listen on",
                         "write 127.0.0.1:9464, [::1]:9464, or :9464 for every address of this machine");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw no_address;
  Address address;
  address.host = text.substr(0, colon);
  const bool bracketed = address.host.size() > 1 && address.host.front() == '[' && address.host.back() == ']';
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || parsed != end || address.port == 0) throw no_address;
  const bool is_six = address.host.find(':') != std::string::npos;
  if (bracketed != is_six || endpoints(address).empty()) throw no_address;
  return address;
}

std::string to_text(const Address& address) {
  const bool is_six = address.host.find(':') != std::string::npos;
  return (is_six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

base::Fd listen_on(const Address& address) {
  int error = 0;
  for (const auto& where : endpoints(address)) {
    if (auto fd = try_to_listen(where)) return fd;
    error = errno;
    if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) break;
  }
  throw Error(Kind::configuration, "cannot listen on " + to_text(address) + ": " + std::strerror(error),
              error == EADDRINUSE ? "another program, perhaps another wrktalk, has that port: name another"
                                  : "name an address of this machine and a port from 1024 on");
}

}  // namespace wrktalk::observe
