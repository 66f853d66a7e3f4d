// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/secrets/api.hpp"

#include <string>

/// Where a secret lies: the KV engine, version 1 or 2, that a path leads to.
namespace wrktalk::secrets {

/// The token has no right to a path, or is none any more: logging in again may help.
class Forbidden : public base::Error {
 public:
  using base::Error::Error;
};

/// As Vault's own CLI takes a path: slashes at its ends, and doubled ones, are none.
std::string plain_path(const std::string& path);

struct Mount {
  std::string path;  ///< "kv/"
  int version = 1;

  /// "kv/shop/db" becomes "kv/data/shop/db" for version 2.
  std::string api_path(const std::string& secret_path) const;
};

/// From the answer of sys/internal/ui/mounts/PATH. Throws Forbidden, and Error(configuration) when no KV engine is there.
Mount mount_of(const Api& api, const std::string& secret_path, const Answer& answer);

/// The fields of a secret, from the answer of its `api_path`. Throws Forbidden, and Error(configuration) when it is absent or
/// its newest version is deleted.
nlohmann::json fields_of(const Api& api, const std::string& secret_path, const Mount& mount, const Answer& answer);

}  // namespace wrktalk::secrets
