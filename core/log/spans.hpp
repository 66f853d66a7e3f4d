// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::log {

constexpr std::string_view kMask = "***";

/// A part of a text that must not be shown.
struct Span {
  std::size_t from;   ///< where its name begins, or itself: a text is not cut between this and `end`
  std::size_t begin;  ///< the first byte that is masked
  std::size_t end;
};
using Spans = std::vector<Span>;

/// The text with `***` in place of each span; those that overlap become one. Sorts `spans`.
std::string masked(std::string_view text, Spans& spans);

}  // namespace wrktalk::log
