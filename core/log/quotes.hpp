// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

/// Quotes as JSON, YAML, shells and programs write them, escaped once or more where a text was put into another.
namespace wrktalk::log {

/// Backslashes directly before `at`.
std::size_t slashes_before(std::string_view text, std::size_t at);

/// Behind the quote at `at`, with the backslashes before it; `at` when there is none.
std::size_t skip_quote(std::string_view text, std::size_t at);

/// Where the quote ends that was opened before `from` by `slashes` backslashes and `quote`: the place of its first backslash, or of
/// itself. npos when it does not end.
std::size_t find_quote(std::string_view text, std::size_t from, char quote, std::size_t slashes);

/// Whether `at` lies between an opening and a closing double quote.
bool is_in_string(std::string_view text, std::size_t at);

/// The bracket that closes the one at `at`; npos when none does.
std::size_t find_bracket(std::string_view text, std::size_t at);

}  // namespace wrktalk::log
