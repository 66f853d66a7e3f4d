// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/definition.hpp"

#include <string>
#include <utility>
#include <vector>

namespace wrktalk::config {

/// The sections `db` and `checkpoint`.
const std::vector<settings::Definition>& database_definitions();

/// Keywords of libpq and their values, passwords among them, from values that hold every key. Throw Error(configuration | usage): a DSN that is
/// none, or a password on the command line.
std::vector<std::pair<std::string, std::string>> agent_parameters(const settings::Values& values);
std::vector<std::pair<std::string, std::string>> checkpoint_parameters(
    const settings::Values& values, const std::vector<std::pair<std::string, std::string>>& agent);

}  // namespace wrktalk::config
