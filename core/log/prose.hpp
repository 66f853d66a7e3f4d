// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/secret_names.hpp"

#include <string_view>

namespace wrktalk::log {

/// What stands where a value would, and gives nothing away: nothing, a boolean, `***`, <none>, ${VARIABLE}.
bool is_no_secret(std::string_view value);

/// Whether `rest`, what follows "NAME: ", is a sentence about the secret ("illegal base64 data at input byte 4") and not its value.
/// `is_key`: the name stands where YAML has its keys, at the line's beginning.
bool is_prose(std::string_view rest, std::string_view name, NameKind kind, bool is_key);

}  // namespace wrktalk::log
