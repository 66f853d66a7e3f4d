// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"
#include "core/migrate/migration.hpp"

#include <string_view>

namespace wrktalk::migrate {

/// A server's error where it stands in a file:
///
///     002_x.up.sql:7:18: syntax error at or near "NULLL" (SQLSTATE 42601)
///       7 |     name text NOT NULLL
///         |                   ^
///       detail: ...
///
/// `sent_before`: what was sent in front of the file. An error without a position in the file only names it.
db::SqlError located(const db::raw::ScriptError& error, const Script& script, std::string_view sent_before);

}  // namespace wrktalk::migrate
