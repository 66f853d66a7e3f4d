// SPDX-License-Identifier: Apache-2.0
#include "core/exec/stream.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cerrno>
#include <unistd.h>

namespace wrktalk::exec {
namespace {

constexpr int kReadsAtOnce = 4;  // of 64 KiB: a flood must not keep the caller from its other work

}  // namespace

Stream::Stream(int fd, std::size_t keep_bytes, std::size_t whole_bytes, OnLine on_line, OnBytes on_bytes)
    : fd_(fd),
      keep_bytes_(keep_bytes),
      whole_bytes_(whole_bytes),
      on_line_(std::move(on_line)),
      on_bytes_(std::move(on_bytes)),
      redactor_([this](std::string_view text, bool ended) { take_redacted(text, ended); }) {}

void Stream::read() {
  std::array<char, 65'536> buffer;
  for (int i = 0; i < kReadsAtOnce && is_open(); ++i) {
    const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
    if (n > 0) {
      take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      fd_ = -1;
    } else {
      return;
    }
  }
}

void Stream::finish() { redactor_.finish(); }

void Stream::take(std::string_view chunk) {
  if (on_bytes_) {
    on_bytes_(chunk);
    return;
  }
  if (whole_bytes_ > 0) {
    kept_ += chunk;
    if (kept_.size() > whole_bytes_) {
      kept_.clear();
      throw base::Error(base::Kind::child, "it printed more than " + base::human_size(whole_bytes_));
    }
  }
  if (whole_bytes_ == 0 || on_line_) redactor_.take(chunk);
}

void Stream::take_redacted(std::string_view text, bool ended) {
  if (whole_bytes_ == 0) {
    kept_ += text;
    if (ended) kept_ += '\n';
    if (kept_.size() > 2 * keep_bytes_)
      kept_.erase(0, kept_.size() - keep_bytes_ - 1);  // one more: tail() sees the cut
  }
  if (!on_line_) return;
  const std::string line = base::trim(text);
  if (!line.empty()) on_line_(line);
}

std::string Stream::text() const {
  return base::scrub_utf8(whole_bytes_ == 0 ? base::tail(kept_, keep_bytes_) : kept_);
}

}  // namespace wrktalk::exec
