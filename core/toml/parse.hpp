// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// TOML 1.0, read by toml++ and handed out as plain values with their lines.
namespace wrktalk::toml {

/// One value of a file.
struct Value {
  enum class Kind { text, integer, number, truth, time, list, table };

  Kind kind = Kind::table;
  std::string text;          ///< of a text
  std::int64_t integer = 0;  ///< of an integer
  double number = 0;         ///< of a number that is no integer
  bool truth = false;
  std::vector<Value> items;                              ///< of a list
  std::vector<std::pair<std::string, Value>> entries{};  ///< of a table, sorted by key
  std::size_t line = 0;  ///< where it begins, from 1; 0 for what was not read from a file
};

/// The file's table. What toml++ would quote may be a password: no message holds a value. Throws Error(`kind`) "PATH line N, column M: ...".
Value parse(std::string_view text, const std::string& path, base::Kind kind, const std::string& hint);

}  // namespace wrktalk::toml
