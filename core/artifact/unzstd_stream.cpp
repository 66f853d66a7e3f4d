// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/unzstd_stream.hpp"

#include "core/base/error.hpp"

#include <zstd.h>

#include <new>
#include <utility>

namespace wrktalk::artifact {
namespace {

/// The window is what unpacking costs in memory: 8 MiB is that of `zstd -19`.
constexpr int kWindowLog = 23;

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw base::Error(base::Kind::artifact, name + " cannot be unpacked: " + why,
                    "pack it with zstd -19 or less, without --long or --ultra");
}

}  // namespace

void UnzstdStream::Free::operator()(ZSTD_DCtx_s* context) const noexcept { ::ZSTD_freeDCtx(context); }

UnzstdStream::UnzstdStream(std::string name)
    : name_(std::move(name)), context_(::ZSTD_createDCtx()), buffer_(::ZSTD_DStreamOutSize()) {
  if (!context_) throw std::bad_alloc();
  ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLog);
}

void UnzstdStream::take(std::string_view bytes, const std::function<void(std::string_view)>& sink) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (bool full = false; in.pos < in.size || full;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(context_.get(), &out, &in);
    if (::ZSTD_isError(left) != 0) refuse(name_, ::ZSTD_getErrorName(left));
    between_frames_ = left == 0;
    full = out.pos == out.size && left != 0;
    if (out.pos > 0) sink({buffer_.data(), out.pos});
  }
}

void UnzstdStream::finish() const {
  if (!between_frames_) refuse(name_, "it is cut short");
}

}  // namespace wrktalk::artifact
