// SPDX-License-Identifier: Apache-2.0
#include "core/base/loopback.hpp"

#include "core/base/text.hpp"

#include <arpa/inet.h>

namespace wrktalk::base {

bool is_loopback(const std::string& host) {
  in_addr address{};  // 127.example.org is another machine
  const bool is_number = ::inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "::1" || host == "[::1]" || (is_number && starts_with(host, "127."));
}

}  // namespace wrktalk::base
