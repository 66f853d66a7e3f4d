// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/pulse.hpp"
#include "core/db/settings.hpp"
#include "core/secrets/postgres.hpp"
#include "core/secrets/settings.hpp"

#include <functional>
#include <memory>

namespace wrktalk::secrets {

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

/// Reads every setting once more, files too, with what Vault lent (nothing without a Vault): what to connect with.
using ReadSettings = std::function<db::ConnectionSettings(const Variables& lent)>;

/// With `settings.use` logs in to Vault, within its time-out, and has `read_settings` take what it lends; what was lent is given up with the object.
/// Else the files. Throws what `checked` and Vault throw.
std::unique_ptr<Credentials> make_credentials(const Settings& settings, ReadSettings read_settings, base::Pulse& pulse);

}  // namespace wrktalk::secrets
