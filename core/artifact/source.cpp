// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/source.hpp"

#include "core/base/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kPiece = 131'072;

}  // namespace

FileSource::FileSource(const std::string& path, base::Pulse& pulse, ProgressCall progress)
    : path_(path),
      pulse_(pulse),
      progress_(std::move(progress)),
      // A fifo must not block the open; what is not an ordinary file is refused below.
      file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
      buffer_(kPiece) {
  struct stat info {};
  if (!file_ || ::fstat(file_.get(), &info) != 0) base::throw_errno(Kind::failed, "cannot read " + path);
  if (!S_ISREG(info.st_mode)) throw Error(Kind::failed, path + " is not an ordinary file");
  size_bytes_ = static_cast<std::uint64_t>(info.st_size);
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::string_view FileSource::next() {
  pulse_.tick();
  for (;;) {
    const ssize_t n = ::read(file_.get(), buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) base::throw_errno(Kind::failed, "cannot read " + path_);
    done_ += static_cast<std::uint64_t>(n);
    if (progress_) progress_(done_);
    return {buffer_.data(), static_cast<std::size_t>(n)};
  }
}

std::string_view HashedSource::next() {
  const std::string_view piece = inner_.next();
  hash_.update(piece.data(), piece.size());
  size_bytes_ += piece.size();
  return piece;
}

std::string HashedSource::digest() {
  while (!next().empty()) {
  }
  return hash_.hex();
}

}  // namespace wrktalk::artifact
