// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log/spans.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace wrktalk::log {

struct Name;

/// Finds the values that telling names have, in a text that is read line by line: NAME=value, "name": "value" (escaped too), name: value,
/// --name value, <name>value</name>, headers, pairs of name and value, and YAML's blocks. What is said about a secret ("Secret: illegal
/// base64 data") is no value.
class NamedValues {
 public:
  /// `line` without its end. Remembers what it leaves open: a block, or a name whose value comes in another line.
  void find(std::string_view line, Spans& spans);

  /// The characters that end a value which goes to the end of the line that was read last: empty when only the line's end does. Nothing
  /// when no value goes so far.
  const std::optional<std::string_view>& open_end() const noexcept { return open_end_; }

 private:
  bool take_block(std::string_view line, Spans& spans);
  void take_item(std::string_view line, Spans& spans);
  void look_at(std::string_view line, const Name& name, Spans& spans);
  void look_at_pair(std::string_view line, const Name& name);
  void take_value(std::string_view line, const Name& name, std::size_t at, Spans& spans);
  void take_quoted(std::string_view line, const Name& name, std::size_t at, std::size_t slashes, Spans& spans);
  void take_plain(std::string_view line, const Name& name, std::size_t at, Spans& spans);
  void add(std::string_view line, const Name& name, std::size_t begin, std::size_t end, std::string_view ended_by,
           Spans& spans);

  std::optional<std::size_t> block_indent_;  ///< of the name that a YAML block belongs to
  bool item_follows_ = false;                ///< the line was an item of a list, and the name of an option
  int pair_lines_ = 0;  ///< the value of a pair whose name is a secret's comes within so many lines
  std::optional<std::string_view> open_end_;
};

}  // namespace wrktalk::log
