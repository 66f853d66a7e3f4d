// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/spans.hpp"

#include <string>
#include <string_view>

namespace wrktalk::log {

/// Finds what is known to be a secret by its shape, in a text that is read line by line: PEM blocks, the user part of URLs, tokens of
/// HTTP schemes and JSON web tokens, and user:password as curl and MySQL's drivers take it.
class Shapes {
 public:
  void find(std::string_view line, Spans& spans);

  /// Whether the end of the line that was read last lies in a PEM block.
  bool is_open() const noexcept { return pem_lines_ > 0; }

 private:
  void find_pem(std::string_view line, Spans& spans);

  int pem_lines_ = 0;       ///< how many lines the open block may still have
  std::string pem_prefix_;  ///< what a log puts before each of its lines
};

}  // namespace wrktalk::log
