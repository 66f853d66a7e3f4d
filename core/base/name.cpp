// SPDX-License-Identifier: Apache-2.0
#include "core/base/name.hpp"

#include <algorithm>

namespace wrktalk::base {
namespace {

bool is_alphanumeric(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_version(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 100;
  return !text.empty() && text.size() <= kLongest && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || std::string_view("._+-").find(c) != std::string_view::npos;
         });
}

}  // namespace wrktalk::base
