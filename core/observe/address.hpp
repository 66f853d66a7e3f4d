// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

#include <cstdint>
#include <string>

namespace wrktalk::observe {

/// Where to listen: "127.0.0.1:9464", "[::1]:9464", or ":9464" for every address of the machine.
struct Address {
  std::string host;  ///< numeric; empty: every address
  std::uint16_t port = 0;
};

/// Throws Error(configuration) for other texts.
Address parse_address(const std::string& text);
std::string to_text(const Address& address);

/// A socket that listens there. Throws Error(configuration) naming the address.
base::Fd listen_on(const Address& address);

}  // namespace wrktalk::observe
