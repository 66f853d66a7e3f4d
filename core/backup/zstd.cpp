// SPDX-License-Identifier: Apache-2.0
#include "core/backup/zstd.hpp"

#include "core/base/error.hpp"

#include <new>
#include <string>
#include <utility>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr int kLevel = 3;

}  // namespace

Zstd::Zstd(Sink out) : out_(std::move(out)), context_(::ZSTD_createCCtx()), buffer_(::ZSTD_CStreamOutSize()) {
  if (!context_) throw std::bad_alloc();
  ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

void Zstd::pump(std::string_view bytes, ZSTD_EndDirective directive) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (bool done = false; !done;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ::ZSTD_compressStream2(context_.get(), &out, &in, directive);
    if (::ZSTD_isError(left) != 0) {
      throw Error(Kind::failed, std::string("cannot compress with zstd: ") + ::ZSTD_getErrorName(left));
    }
    if (out.pos > 0) out_({buffer_.data(), out.pos});
    done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
  }
}

Unzstd::Unzstd(Sink out) : out_(std::move(out)), context_(::ZSTD_createDCtx()), buffer_(::ZSTD_DStreamOutSize()) {
  if (!context_) throw std::bad_alloc();
}

void Unzstd::write(std::string_view bytes) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
  while (in.pos < in.size || (in_frame_ && out.pos == out.size)) {
    out.pos = 0;
    const std::size_t left = ::ZSTD_decompressStream(context_.get(), &out, &in);
    if (::ZSTD_isError(left) != 0) {
      throw Error(Kind::difference, std::string("the zstd data is damaged: ") + ::ZSTD_getErrorName(left));
    }
    in_frame_ = left != 0;
    if (out.pos > 0) out_({buffer_.data(), out.pos});
  }
}

void Unzstd::end() {
  if (in_frame_) throw Error(Kind::difference, "the zstd data is cut short");
}

}  // namespace wrktalk::backup
