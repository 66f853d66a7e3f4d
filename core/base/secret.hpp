// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

namespace wrktalk::base {

/// A text that must not be printed. It has no stream operator, no JSON conversion and no implicit
/// conversion: whoever needs the text says `reveal()`, and a reviewer can find every such place.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace wrktalk::base
