// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wrktalk::artifact {

/// What the gate lets through. The ratio and the sizes guard against bombs.
struct Limits {
  std::uint64_t unpacked_bytes = 20'000'000'000;
  std::uint64_t entries = 200'000;
  std::uint64_t chart_unpacked_bytes = 200'000'000;  ///< a chart is text: helm itself takes no large one
  std::uint64_t chart_entries = 20'000;
  std::size_t path_bytes = 1024;
  std::size_t depth = 64;
  std::uint64_t ratio = 200;  ///< unpacked to packed, looked at once more than 100 MB were unpacked

  /// Those of one type of release: a chart's are the lower of the two.
  Limits of(std::string_view chart_type) const;
};

/// The section `limits`.
settings::Fields<Limits> setting_fields() noexcept;

}  // namespace wrktalk::artifact
