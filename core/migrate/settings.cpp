// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/settings.hpp"

namespace wrktalk::migrate {
namespace {

using namespace settings;

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"migrate.ddl_lock_timeout", "WRKTALK_AGENT_DDL_LOCK_TIMEOUT", "", "--ddl-lock-timeout", "5s", Form::value, "How long a migration waits for a table's lock before it tries anew"},
     duration<&Settings::ddl_lock_timeout, 0>},
};
// clang-format on

}  // namespace

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::migrate
