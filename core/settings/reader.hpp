// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/text.hpp"
#include "core/settings/definition.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::settings {

/// The words that a setting may be, and what each means.
template <class T, std::size_t N>
using Choices = std::array<std::pair<const char*, T>, N>;

/// Reads values by key. Throws Error(configuration) that says of a wrong one where it came from and what it may be.
class Reader {
 public:
  explicit Reader(const Values& values) : values_(values) {}

  const std::string& text(const char* key) const { return values_.at(key).text; }
  /// Absolute; must be there.
  std::string path(const char* key) const;
  /// Absolute, or empty.
  std::string optional_path(const char* key) const;
  /// A name is looked up in PATH when it is run; a path is made absolute.
  std::string program(const char* key) const;
  std::chrono::milliseconds duration(const char* key, std::chrono::milliseconds shortest) const;
  /// As Vault's own variables take it; empty is false.
  bool yes(const char* key) const;
  /// A whole number above 0.
  std::uint64_t number(const char* key) const;
  /// 200MB, 20GB: decimal, as sizes are shown; above 0.
  std::uint64_t size(const char* key) const;
  /// What stands between commas.
  std::vector<std::string> list(const char* key) const;
  /// The same in small letters.
  std::vector<std::string> hosts(const char* key) const;

  template <class T, std::size_t N>
  T choice(const char* key, const Choices<T, N>& choices) const {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      if (text(key) == name) return value;
      names.emplace_back(name);
    }
    refuse(key, "'" + base::one_line(text(key)) + "' is none of its values", "use one of " + base::join(names, ", "));
  }

  [[noreturn]] void refuse(const char* key, const std::string& what, const std::string& hint) const;

 private:
  std::uint64_t amount(const char* key, bool is_size) const;

  const Values& values_;
};

}  // namespace wrktalk::settings
