// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/images/store.hpp"

#include <cstdint>
#include <string>

namespace wrktalk::images {

/// Bytes [from, to) of a blob that lie in one chunk; PostgreSQL reads no other bytes of it. One round trip. The digest is the caller's to
/// check, over all slices. Throws Error(artifact) when the chunk is gone or shorter than it must be.
std::string read_slice(db::raw::Connection& db, const Blob& blob, std::int64_t from, std::int64_t to,
                       base::Pulse& pulse);

/// The end of the longest slice from `from` on that has at most `limit` bytes, which divide kChunk: the next slices are aligned.
std::int64_t slice_end(const Blob& blob, std::int64_t from, std::int64_t limit) noexcept;

}  // namespace wrktalk::images
