// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/fields.hpp"

#include <chrono>

namespace wrktalk::migrate {

struct Settings {
  std::chrono::milliseconds ddl_lock_timeout{
      5'000};  ///< how long a migration waits for a table's lock before it tries anew
};

/// The section `migrate`.
settings::Fields<Settings> setting_fields() noexcept;

}  // namespace wrktalk::migrate
