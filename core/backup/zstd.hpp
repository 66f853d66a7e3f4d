// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/codec.hpp"

#include <zstd.h>

#include <memory>
#include <vector>

namespace wrktalk::backup {

/// One zstd frame.
class Zstd : public Codec {
 public:
  explicit Zstd(Sink out);
  void write(std::string_view bytes) override { pump(bytes, ZSTD_e_continue); }
  void end() override { pump({}, ZSTD_e_end); }

 private:
  void pump(std::string_view bytes, ZSTD_EndDirective directive);

  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ::ZSTD_freeCCtx(context); }
  };
  Sink out_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::vector<char> buffer_;
};

class Unzstd : public Codec {
 public:
  explicit Unzstd(Sink out);
  void write(std::string_view bytes) override;
  void end() override;

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
  };
  Sink out_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  std::vector<char> buffer_;
  bool in_frame_ = false;
};

}  // namespace wrktalk::backup
