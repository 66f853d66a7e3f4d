// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/gunzip.hpp"

#include "core/base/error.hpp"

#include <utility>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kPiece = 131'072;
constexpr std::uint8_t kMagic = 0x1F;

}  // namespace

Gunzip::Gunzip(std::unique_ptr<Source> packed)
    : packed_(std::move(packed)), state_(std::make_unique<inflate_state>()), buffer_(kPiece) {
  ::isal_inflate_init(state_.get());
  state_->crc_flag = ISAL_GZIP;
}

bool Gunzip::refill() {
  const std::string_view piece = packed_->next();
  // ISA-L's interface is not const-correct: it only reads the input.
  state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(piece.data()));
  state_->avail_in = static_cast<std::uint32_t>(piece.size());
  return !piece.empty();
}

/// After a member: true when another one begins. Zeros up to the end are padding, as gzip(1) takes them.
bool Gunzip::next_member() {
  if (state_->avail_in == 0 && !refill()) return false;
  if (*state_->next_in == kMagic) {
    ::isal_inflate_reset(state_.get());
    return true;
  }
  do {
    for (; state_->avail_in > 0; --state_->avail_in, ++state_->next_in) {
      if (*state_->next_in != 0) throw Error(Kind::artifact, "foreign bytes follow the gzip data");
    }
  } while (refill());
  return false;
}

std::string_view Gunzip::next() {
  state_->next_out = buffer_.data();
  state_->avail_out = static_cast<std::uint32_t>(buffer_.size());
  while (!ended_ && state_->avail_out > 0) {
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      ended_ = !next_member();
      continue;
    }
    const std::uint32_t in_before = state_->avail_in;
    const std::uint32_t out_before = state_->avail_out;
    const int result = ::isal_inflate(state_.get());
    if (result < 0) throw Error(Kind::artifact, "the gzip data is damaged");
    if (state_->block_state == ISAL_BLOCK_FINISH || state_->avail_out == 0) continue;
    if (state_->avail_in > 0 && state_->avail_in == in_before && state_->avail_out == out_before) {
      throw Error(Kind::artifact, "the gzip data is damaged");
    }
    if (state_->avail_in == 0 && !refill()) throw Error(Kind::artifact, "the gzip data is cut short");
  }
  return {reinterpret_cast<const char*>(buffer_.data()), buffer_.size() - state_->avail_out};
}

}  // namespace wrktalk::artifact
