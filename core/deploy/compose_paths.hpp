// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::deploy::compose {

/// A path that a compose file takes from `env_file`, `label_file`, `include` or `extends`.
struct Reference {
  std::string key;
  std::string text;
  std::size_t line = 0;
};

/// Finds them without a YAML parser: too many rather than too few (every word of such a value counts as a path). What it could
/// not see through is refused with Error(artifact): these keys inside {...}, aliases or escapes in place of keys, explicit keys
/// (`? key`), binary tags, NUL bytes. Does not look at bind mounts, secrets, configs or build contexts, which may lie anywhere.
std::vector<Reference> find_references(std::string_view text, const std::string& name);

/// Follows `file` and what it includes or extends. Throws Error(artifact) naming file and line for a path that is absolute,
/// remote, computed, or leads out of `tree`. Nothing outside `tree` is read.
void check_paths(const std::string& tree, const std::string& file);

}  // namespace wrktalk::deploy::compose
