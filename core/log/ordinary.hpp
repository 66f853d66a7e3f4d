// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace wrktalk::log {

/// Whether `value` is a word that messages are made of ("production", "ClusterIP", "localhost:5432"): to mask it wherever it
/// stands would hide more from the operator than from anybody else.
bool is_ordinary(std::string_view value);

/// The words, in lower case, with a blank behind each.
extern const char* const kOrdinaryWords;

}  // namespace wrktalk::log
