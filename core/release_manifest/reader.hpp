// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/toml/parse.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace wrktalk::release_manifest {

/// Where something stands in a manifest; an empty line number for what came as JSON.
struct Place {
  const std::string& path;
  std::string section;  ///< "[release]", "[[hook]] 3"
};

/// Throws Error(artifact) "PATH:LINE: [section] WHAT".
[[noreturn]] void refuse(const Place& place, std::size_t line, const std::string& what, const std::string& hint = {});

/// One section: hands out its keys, each checked for its type, and knows which keys there are.
class Section {
 public:
  Section(Place place, const toml::Value& table, const std::vector<std::string>& known);

  const toml::Value* find(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  std::optional<std::int64_t> integer(const std::string& key) const;
  std::optional<bool> truth(const std::string& key) const;
  /// A list of texts, each one once, of at most `most`.
  std::vector<std::string> texts(const std::string& key, std::size_t most) const;
  /// A list of texts as they are.
  std::vector<std::string> words(const std::string& key, std::size_t most) const;
  /// One of `choices`; nothing when the key is not there.
  std::optional<std::string> choice(const std::string& key, const std::vector<std::string>& choices) const;
  /// A time limit of at least `least`; "0s" is refused with the rest below it.
  std::optional<std::chrono::milliseconds> duration(const std::string& key, std::chrono::milliseconds least) const;

  std::size_t line() const noexcept { return table_.line; }
  [[noreturn]] void refuse_key(const std::string& key, const std::string& what, const std::string& hint = {}) const;
  [[noreturn]] void refuse_here(const std::string& what, const std::string& hint = {}) const;

 private:
  const toml::Value* of_kind(const std::string& key, toml::Value::Kind kind, const char* name) const;

  Place place_;
  const toml::Value& table_;
};

/// "did you mean" when one of `known` is near, else which there are.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

/// A path below the tree without "./" at its front and "/" at its end. Refuses, for `key` of `section`, one that is empty, absolute, leaves the tree, or holds
/// what a path of an archive may not.
std::string tree_path(const Section& section, const std::string& key, const std::string& text);

}  // namespace wrktalk::release_manifest
