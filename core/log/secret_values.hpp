// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What of a release's own files must not be told: each value of eight characters and more (of four, where its name says that it is a secret), each such
/// line of a longer one, and the pieces of it that a reader quotes when it takes a '$' or a quote in it for its own. Files that
/// are not well formed give what looks like a value in them: rather a text too many than one too few.
namespace wrktalk::log {

/// Of lines NAME=value, as compose and shells read them.
std::vector<base::Secret> values_of_env(std::string_view text);

/// Of YAML or JSON.
std::vector<base::Secret> values_of_yaml(std::string_view text);

/// Without those that are part of one of the `public_words`: names that every message about a task holds.
std::vector<base::Secret> without_public(std::vector<base::Secret> values,
                                         const std::vector<std::string>& public_words);

}  // namespace wrktalk::log
