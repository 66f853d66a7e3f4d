// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/named_values.hpp"
#include "core/log/shapes.hpp"
#include "core/log/spans.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace wrktalk::log {

/// Masks secrets in a text that comes in pieces of any size, before anything of it is cut: what is registered (`add_secret`), what a
/// telling name has as its value, and what has a secret's shape. A secret is found whichever way it is split over the pieces and however
/// long the line is in which it stands. What comes out is valid UTF-8 without NUL.
///
/// A line is given out once it has ended; of one without an end at most 64 KiB are kept.
class Redactor {
 public:
  /// `ended`: the line's end follows. One that is too long comes in several pieces, of which the last is ended; so is not what comes
  /// from `finish`.
  using OnText = std::function<void(std::string_view text, bool ended)>;

  explicit Redactor(OnText on_text) : on_text_(std::move(on_text)) {}

  void take(std::string_view bytes);
  /// Gives out what has no end yet.
  void finish();

 private:
  /// Goes on from line to line.
  struct Finders {
    NamedValues names;
    Shapes shapes;
    bool is_in_object = false;  ///< the line ends in a value that is quoted
    Spans find(std::string_view line);
  };
  struct Swallowed {
    bool is_pem;
    std::string_view until;
  };

  void give(std::string_view text, bool ended);
  void give_piece();
  std::string_view without_swallowed(std::string_view text, bool ended);

  OnText on_text_;
  Finders finders_;
  std::string pending_;
  std::size_t searched_ = 0;            ///< so much of `pending_` has no line end
  std::optional<Swallowed> swallowed_;  ///< a secret that is longer than what is kept, masked already
};

}  // namespace wrktalk::log
