// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/source.hpp"

#include <isa-l/igzip_lib.h>

#include <cstdint>
#include <memory>

namespace wrktalk::artifact {

/// What gzip packed. The contract is that of `decompress`.
class Gunzip : public Source {
 public:
  explicit Gunzip(std::unique_ptr<Source> packed);
  std::string_view next() override;

 private:
  bool refill();
  bool next_member();

  std::unique_ptr<Source> packed_;
  std::unique_ptr<inflate_state> state_;
  std::vector<std::uint8_t> buffer_;
  bool ended_ = false;
};

}  // namespace wrktalk::artifact
