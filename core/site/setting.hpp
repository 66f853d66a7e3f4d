// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/target_kind.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a site sets for a target apart from any release: variables for compose and for programs on a host, values for Helm.
namespace wrktalk::site {

struct Setting {
  std::string name;   ///< a variable's, or the path of a value: "image.tag", "annotations.example\.org/name"
  std::string value;  ///< a variable's as it is, or a value as YAML on one line: `3`, `"3"`, `[a, b]`
  bool is_secret = false;
};
using Settings = std::vector<Setting>;

/// What a target may have in all.
constexpr std::size_t kMostSettings = 2'000;
constexpr std::size_t kLargestValue = 256 * 1024;
constexpr std::size_t kLargestInAll = 1'000'000;

inline bool takes_values(base::TargetKind kind) noexcept { return kind == base::TargetKind::kubernetes; }

/// Throws Error(usage) with no part of a value: for a name or a value that the target cannot be given, and a reference that is none.
void check(const Setting& setting, base::TargetKind kind);
/// Of all of them together: their size, their number, and names of which one is a part of another.
void check_all(const Settings& settings, base::TargetKind kind);

/// KEY and VALUE as somebody typed them. A value for Helm that begins as a list, a mapping or a quoted text is read as YAML; `true`, `3` and
/// `null` are what they are in a values file, everything else is a text.
Setting from_words(const std::string& key, const std::string& value, base::TargetKind kind);

/// The same with a text from a file or a terminal, which is a text whatever it looks like.
Setting from_text(const std::string& key, const std::string& text, base::TargetKind kind);

/// A file of NAME=VALUE lines; `name` is what messages call it. Throws Error(artifact) "NAME:LINE: ...".
Settings from_env_file(std::string_view text, const std::string& name, base::TargetKind kind);
/// A values file, one setting for each value that is no mapping. Throws as above.
Settings from_values_file(std::string_view text, const std::string& name);

/// The same settings as a file that `from_env_file` and compose take, or as a values file.
std::string to_env_file(const Settings& settings);
std::string to_values_file(const Settings& settings);

/// `over` counts where both have a name.
Settings merged(const Settings& under, const Settings& over);

}  // namespace wrktalk::site
