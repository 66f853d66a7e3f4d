// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace wrktalk::log {

/// Whether `value` is a word that messages are made of ("production", "ClusterIP", "localhost:5432"): to mask it wherever it
/// stands would hide more from the operator than from anybody else.
bool is_ordinary(std::string_view value);

/// Whether `text[begin, end)` is a part of a longer word of our messages: "postgres" in "postgresql". To mask it there would hide nothing, and
/// tell what the secret is.
bool is_inside_of_a_word(std::string_view text, std::size_t begin, std::size_t end);

/// The words, in lower case, with a blank behind each (scripts/ordinary-words).
extern const char* const kOrdinaryWords;

}  // namespace wrktalk::log
