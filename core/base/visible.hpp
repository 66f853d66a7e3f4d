// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// Characters that a terminal obeys, or that make a text look like another one: the C0 and C1 controls (ESC among them), those that change the
/// direction of writing, that have no width, and that are no character.
namespace wrktalk::base {

/// Valid UTF-8 with each of them written out: controls as \x1b, all others as \u202e. Line ends and tabs stay. Inside of JSON the result
/// means the same as `text` does.
std::string visible(std::string_view text);

/// Whether there is one in `text`, other than a line end or a tab. A byte that is no UTF-8 is one when a terminal of eight bits obeys it.
bool has_hidden(std::string_view text);

}  // namespace wrktalk::base
