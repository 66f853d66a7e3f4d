// SPDX-License-Identifier: Apache-2.0
#include "core/backup/gzip.hpp"

#include "core/base/error.hpp"

#include <utility>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kPiece = 262'144;
constexpr std::uint8_t kMagic = 0x1F;

/// ISA-L's interface is not const-correct: it only reads the input.
template <class Stream>
void give(Stream& stream, std::string_view bytes) {
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
}

template <class Stream>
void take_into(Stream& stream, std::vector<std::uint8_t>& buffer) {
  stream.next_out = buffer.data();
  stream.avail_out = static_cast<std::uint32_t>(buffer.size());
}

template <class Stream>
std::string_view taken(const Stream& stream, const std::vector<std::uint8_t>& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream.avail_out};
}

}  // namespace

Gzip::Gzip(Sink out)
    : out_(std::move(out)), stream_(std::make_unique<isal_zstream>()), work_(ISAL_DEF_LVL1_DEFAULT), buffer_(kPiece) {
  ::isal_deflate_init(stream_.get());
  stream_->level = 1;
  stream_->level_buf = work_.data();
  stream_->level_buf_size = static_cast<std::uint32_t>(work_.size());
  stream_->gzip_flag = IGZIP_GZIP;
}

void Gzip::pump() {
  do {
    take_into(*stream_, buffer_);
    if (::isal_deflate(stream_.get()) != COMP_OK) throw Error(Kind::failed, "cannot compress with gzip");
    const std::string_view bytes = taken(*stream_, buffer_);
    if (!bytes.empty()) out_(bytes);
  } while (stream_->avail_out == 0);
}

void Gzip::write(std::string_view bytes) {
  give(*stream_, bytes);
  pump();
}

void Gzip::end() {
  give(*stream_, {});
  stream_->end_of_stream = 1;
  pump();
}

Gunzip::Gunzip(Sink out) : out_(std::move(out)), state_(std::make_unique<inflate_state>()), buffer_(kPiece) {}

void Gunzip::write(std::string_view bytes) {
  give(*state_, bytes);
  while (state_->avail_in > 0) {
    if (!in_member_) {
      if (*state_->next_in != kMagic) throw Error(Kind::difference, "the gzip data is followed by foreign bytes");
      const std::string_view rest(reinterpret_cast<const char*>(state_->next_in), state_->avail_in);
      ::isal_inflate_init(state_.get());
      state_->crc_flag = ISAL_GZIP;
      give(*state_, rest);
      in_member_ = true;
    }
    do {
      take_into(*state_, buffer_);
      if (::isal_inflate(state_.get()) < 0) throw Error(Kind::difference, "the gzip data is damaged");
      const std::string_view out = taken(*state_, buffer_);
      if (!out.empty()) out_(out);
    } while (state_->avail_out == 0);
    in_member_ = state_->block_state != ISAL_BLOCK_FINISH;
  }
}

void Gunzip::end() {
  if (in_member_) throw Error(Kind::difference, "the gzip data is cut short");
}

}  // namespace wrktalk::backup
