// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"

#include <libpq-fe.h>

/// What both kinds of raw connections do with libpq's parameters and results.
namespace wrktalk::db::raw {

/// A field of an error or notice; empty when there is none.
std::string field(const PGresult* result, int code);
std::vector<const char*> pointers(const std::vector<std::optional<std::string>>& params);
Table table_of(const PGresult* result);
bool is_good(ExecStatusType status);
/// Of the sessions: a statement may take as long as its caller's deadline says.
SessionLimits limits_of(const ConnectionSettings& settings);

}  // namespace wrktalk::db::raw
