// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <string>
#include <vector>

/// Settings that a release brings along for the table server_env, with their defaults.
namespace wrktalk::artifact {

/// A JSON array of objects with `key`, `value`, `category` and, if wanted, `description`, all of them texts, in the form that is stored.
/// Throws Error(usage) naming what has another shape.
std::string checked_server_env(const std::string& json);

/// Adds the release's settings whose keys are not there, and returns those keys. What is there stays as it is.
std::vector<std::string> add_server_env(db::raw::Connection& db, const std::string& artifact_id, base::Pulse& pulse);

}  // namespace wrktalk::artifact
