// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/source.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::test {

/// A text in pieces of a size of our choice.
class MemorySource : public artifact::Source {
 public:
  explicit MemorySource(std::string bytes, std::size_t piece = 4096) : bytes_(std::move(bytes)), piece_(piece) {}

  std::string_view next() override {
    const std::string_view all = bytes_;
    const std::string_view piece = all.substr(at_, piece_);
    at_ += piece.size();
    // Where a piece ends the memory does: a reader that looks beyond it reads what is freed.
    held_.assign(piece.begin(), piece.end());
    return {held_.data(), held_.size()};
  }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  std::vector<char> held_;
};

inline std::string read_all(artifact::Source& source) {
  std::string all;
  for (auto piece = source.next(); !piece.empty(); piece = source.next()) all += piece;
  return all;
}

}  // namespace wrktalk::test
