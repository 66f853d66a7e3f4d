// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wrktalk::artifact {

/// A schema version that a release needs: "checkpoint>=9".
struct Requirement {
  enum class Is { at_least, at_most, exactly };
  std::string set;  ///< of migrations: [a-z][a-z0-9_-]*
  Is is = Is::at_least;
  std::int64_t number = 0;

  bool holds(std::int64_t version) const noexcept;
};

/// What release_artifact.requires_schema holds: "SET>=N", "SET<=N" or "SET=N", several with commas; all of them count.
/// Throws Error(usage) for another text.
std::vector<Requirement> parse_requirements(const std::string& text);
std::string to_text(const Requirement& requirement);

}  // namespace wrktalk::artifact
