// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/log.hpp"
#include "core/settings/fields.hpp"

namespace wrktalk::log {

/// The section `log`.
settings::Fields<Options> setting_fields() noexcept;

}  // namespace wrktalk::log
