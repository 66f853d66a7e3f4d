// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/spans.hpp"

#include <string_view>

namespace wrktalk::log {

/// Finds what tools quote of somebody's values when they refuse them: the whole object of a field error ("spec.template: Invalid value:
/// {"Env":[...]}: field is immutable", in Go's syntax, or as JSON in a string), the value that does not fit a schema ("at '/pw': 'x' does not
/// match pattern"), and the beginning of a scalar that YAML could not decode. Short plain values ("61 * * * *") are left: they say what is wrong.
/// Whether the line ends within an object.
bool find_quoted_values(std::string_view line, Spans& spans);

}  // namespace wrktalk::log
