// SPDX-License-Identifier: Apache-2.0
#include "core/backup/content_hash.hpp"

namespace wrktalk::backup {

void ContentHash::on_copy(const CopyHead& head) {
  sum_ = &sums_[head.table];
  row_ = std::make_unique<base::Sha256>();
}

void ContentHash::on_data(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    row_->update(part.data(), part.size());
    if (end == std::string_view::npos) return;
    end_row();
    piece.remove_prefix(end + 1);
  }
}

void ContentHash::end_row() {
  constexpr std::size_t kLaneDigits = 16;
  const std::string digest = row_->hex();
  for (std::size_t lane = 0; lane < sum_->size(); ++lane) {
    (*sum_)[lane] += std::stoull(digest.substr(lane * kLaneDigits, kLaneDigits), nullptr, 16);
  }
  row_ = std::make_unique<base::Sha256>();
}

}  // namespace wrktalk::backup
