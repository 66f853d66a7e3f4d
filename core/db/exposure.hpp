// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/settings.hpp"

#include <optional>
#include <string>

namespace wrktalk::db {

/// A server that would be spoken to over a network although nothing makes the connection an encrypted one.
struct Exposure {
  std::string host;
  std::string
      ssl_mode;  ///< "prefer": whoever is in between answers that there is no TLS, and is told the password's proof
};

/// The first such host of `settings`, PG* variables and PGSERVICE counted in; nothing when all are this machine's or sslmode is `require` or
/// more. What a service named in `settings` says is not looked at.
std::optional<Exposure> exposure(const ConnectionSettings& settings);

}  // namespace wrktalk::db
