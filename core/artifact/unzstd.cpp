// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/unzstd.hpp"

#include "core/base/error.hpp"

#include <zstd_errors.h>

#include <new>
#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kPiece = 131'072;
/// The window is what decompression costs in memory: 8 MiB is that of `zstd -19`.
constexpr int kWindowLog = 23;

[[noreturn]] void refuse(std::size_t code) {
  if (::ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
    throw Error(Kind::artifact, "the zstd data needs a window of more than 8 MiB",
                "pack it with zstd -19 or less, without --long or --ultra");
  }
  throw Error(Kind::artifact,
              std::string("the zstd data is damaged, or foreign bytes follow it: ") + ::ZSTD_getErrorName(code));
}

}  // namespace

Unzstd::Unzstd(std::unique_ptr<Source> packed)
    : packed_(std::move(packed)), stream_(::ZSTD_createDStream()), buffer_(kPiece) {
  if (!stream_) throw std::bad_alloc();
  ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kWindowLog);
}

std::string_view Unzstd::next() {
  ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
  while (out.pos < out.size) {
    const std::size_t in_before = in_.pos;
    const std::size_t out_before = out.pos;
    const bool starts_here = between_frames_;
    const std::size_t left = ::ZSTD_decompressStream(stream_.get(), &out, &in_);
    if (::ZSTD_isError(left) != 0) refuse(left);
    // Asked at the end of the input, a decoder between two frames says that it wants a header.
    between_frames_ = left == 0 || (starts_here && in_.pos == in_before);
    if (in_.pos < in_.size || out.pos == out.size || out.pos > out_before) continue;
    const std::string_view piece = packed_->next();
    in_ = {piece.data(), piece.size(), 0};
    if (!piece.empty()) continue;
    if (!between_frames_) throw Error(Kind::artifact, "the zstd data is cut short");
    break;
  }
  return {buffer_.data(), out.pos};
}

}  // namespace wrktalk::artifact
