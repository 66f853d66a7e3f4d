// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::artifact {

/// A short statement, given 30 seconds. Tables or columns that are missing throw Error(configuration) with the way out.
db::raw::Table query(db::raw::Connection& db, const std::string& sql,
                     const std::vector<std::optional<std::string>>& params, base::Pulse& pulse);

}  // namespace wrktalk::artifact
