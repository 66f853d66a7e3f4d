// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Which of two releases' versions is the older one, and ranges of versions.
namespace wrktalk::release_manifest {

/// Whether a version has a place in the order: it begins with a digit, or with "v" and a digit.
bool is_ordered(std::string_view version) noexcept;

/// Below zero when `a` is older than `b`, zero when they are the same, above zero when it is newer. Both are ordered.
///
/// Numbers are compared as numbers, part by part; a part that is missing counts as 0. What stands behind "+" does not count. A word behind "-" or
/// "~", and alpha, beta, dev, pre, preview, rc, snapshot wherever they stand, come before the version itself: 2.0-rc1 < 2.0 = 2.0.0 < 2.0.0-1 < 2.0.1.
int compare_versions(std::string_view a, std::string_view b);

/// ">=1.4", ">=1.4,<2": a version that all of its parts hold for.
class VersionRange {
 public:
  /// Throws Error(usage) for another text.
  static VersionRange parse(const std::string& text);

  /// False for a version that is not ordered.
  bool holds(std::string_view version) const;
  /// Whether a version older than `version` can be in it.
  bool has_older_than(std::string_view version) const;
  /// As it is stored: ">=1.4, <2" becomes ">=1.4,<2".
  std::string text() const;

 private:
  enum class Is { at_least, above, at_most, below, exactly };
  struct Part {
    Is is;
    std::string sign;
    std::string version;
  };
  std::vector<Part> parts_;
};

}  // namespace wrktalk::release_manifest
