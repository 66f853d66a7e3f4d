// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/dump_text.hpp"
#include "core/base/sha256.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace wrktalk::backup {

/// A digest of each table's rows that does not depend on their order: the sum of every row's SHA-256.
class ContentHash : public DumpListener {
 public:
  using Sum = std::array<std::uint64_t, 4>;

  void on_copy(const CopyHead& head) override;
  void on_data(std::string_view piece) override;

  /// By table.
  const std::map<std::string, Sum>& sums() const noexcept { return sums_; }

 private:
  void end_row();

  std::map<std::string, Sum> sums_;
  Sum* sum_ = nullptr;
  std::unique_ptr<base::Sha256> row_;  ///< of the row that is being read
};

}  // namespace wrktalk::backup
