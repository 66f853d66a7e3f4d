// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/unpack.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace wrktalk::artifact {

/// Looks at an archive's names to tell what kind of release it is: a chart has Chart.yaml, a compose bundle one of compose's
/// file names, at the root or in the one top-level folder.
class Contents : public Receiver {
 public:
  void entry(const Entry& entry) override;
  void data(std::string_view) override {}

  /// "helm" | "compose" | "host". `wanted`: what the user said it is. Throws Error(artifact) that tells what was found when
  /// it is not that, when neither or both kinds are recognised, or when a recognised one holds links.
  std::string chart_type(const std::optional<std::string>& wanted) const;
  /// The compose file that compose is pointed to, by its path in the archive; empty without one.
  std::string compose_file() const;
  /// The release's manifest, the same. Throws Error(artifact) when what has its name is no file.
  std::string manifest_file() const;

 private:
  static constexpr std::size_t kNoFile = static_cast<std::size_t>(-1);
  struct Marks {
    bool chart = false;
    bool manifest = false;
    bool odd_manifest = false;      ///< a folder or a link
    std::size_t compose = kNoFile;  ///< which of compose's file names, the first counts
    bool has_compose() const noexcept { return compose != kNoFile; }
  };
  bool is_at_root() const;
  const Marks& marks() const { return is_at_root() ? at_root_ : below_; }
  std::string found() const;
  std::string without_links(const char* type) const;

  Marks at_root_;
  Marks below_;
  std::string top_;  ///< the first name at the top
  bool one_top_ = true;
  std::string first_;
  std::string first_link_;
  std::uint64_t entries_ = 0;
};

}  // namespace wrktalk::artifact
