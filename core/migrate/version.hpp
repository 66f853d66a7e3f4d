// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <cstdint>
#include <string>

namespace wrktalk::migrate {

/// The version that a set's schema has: for "checkpoint" LangGraph's own number (checkpoint_migrations), else the number of the newest
/// applied migration by the ledger, in the schema that `find_site` tells. 0 when nothing is there.
std::int64_t schema_version(db::raw::Connection& connection, const std::string& set, base::Pulse& pulse);

/// As messages write it: LangGraph's number as it is, the agent's as its files have it ("006").
std::string version_text(const std::string& set, std::int64_t version);

}  // namespace wrktalk::migrate
