// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/spans.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace wrktalk::log {

/// The forms in which tools print a secret: as it is, escaped for JSON (once, and again), YAML, a shell or a URL, and inside of
/// base64. Those that are as short as words are left out.
std::vector<std::string> forms_of(const std::string& secret);

/// Texts that are found wherever they stand, however many there are: a text is read once.
class KnownTexts {
 public:
  explicit KnownTexts(std::vector<std::string> texts);

  /// Adds a span for the longest text that begins at each place.
  void find(std::string_view text, Spans& spans) const;
  std::size_t longest() const noexcept { return longest_; }

  static constexpr std::size_t kShortest = 4;  ///< bytes; shorter ones are not looked for

 private:
  std::unordered_map<std::uint32_t, std::vector<std::string>> by_head_;  ///< the first four bytes; the longest first
  std::bitset<65'536> heads_;
  std::size_t longest_ = 0;
};

/// Those that are known at this moment.
std::shared_ptr<const KnownTexts> known_texts();

}  // namespace wrktalk::log
