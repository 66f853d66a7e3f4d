// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/source.hpp"

#include <zstd.h>

#include <memory>

namespace wrktalk::artifact {

/// What zstd packed. The contract is that of `decompress`.
class Unzstd : public Source {
 public:
  explicit Unzstd(std::unique_ptr<Source> packed);
  std::string_view next() override;

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const noexcept { ::ZSTD_freeDStream(stream); }
  };

  std::unique_ptr<Source> packed_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::vector<char> buffer_;
  bool between_frames_ = true;
};

}  // namespace wrktalk::artifact
