// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/db/settings.hpp"

namespace wrktalk::agent {

/// Where other credentials for the database come from when they change: Vault, which lends them, or the files they were read from.
class Credentials {
 public:
  virtual ~Credentials() = default;

  /// What to connect with now: asked for when the database refuses what was given before. A few seconds at most. Throws Error.
  virtual db::ConnectionSettings fresh() = 0;

  /// When `keep` is due at the latest.
  virtual base::Deadline due() const noexcept = 0;
  /// Renews what would end. What goes wrong is told in the log and due again later.
  virtual void keep() noexcept = 0;
};

}  // namespace wrktalk::agent
