// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::deploy {

/// One cause, as tools and clusters word it, and what an operator can do about it.
struct HintRow {
  std::vector<const char*> words;  ///< all of them, in any order
  /// `{place}`: the namespace. `{what}`: what stands in the text behind `behind`, up to `until`.
  const char* hint;
  const char* behind = "";
  char until = '\0';
};

/// The causes, the particular ones before those that follow from others: that helm ran out of time comes last.
const std::vector<HintRow>& hint_rows();

/// The hint for the first cause that the words of a tool and the evidence name; empty when none is known. `place`: the namespace, where there is one.
std::string hint_for(std::string_view words, const std::string& place = {});

/// At most about `limit` bytes of one line: of a longer one its beginning and its end, with " ... " between them. A tool says first what failed, and
/// last why.
std::string shorten(std::string_view text, std::size_t limit);

/// At most `most` texts: of more the first ones, and "and 5 more" as the last.
std::vector<std::string> at_most(std::vector<std::string> texts, std::size_t most);

}  // namespace wrktalk::deploy
