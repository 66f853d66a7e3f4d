// SPDX-License-Identifier: Apache-2.0
#include "core/images/slice.hpp"

#include "core/base/error.hpp"
#include "core/db/session.hpp"

#include <algorithm>

namespace wrktalk::images {
namespace {

/// How long the server may take for one slice.
constexpr std::chrono::seconds kStall{15};

}  // namespace

std::string read_slice(db::raw::Connection& db, const Blob& blob, std::int64_t from, std::int64_t to,
                       base::Pulse& pulse) {
  const auto deadline = base::Deadline::in(kStall);
  const std::int64_t seq = from / kChunk;
  const std::string sql = "COPY (SELECT substring(data FROM " + std::to_string(from - seq * kChunk + 1) + " FOR " +
                          std::to_string(to - from) +
                          ") FROM image_blob_chunk WHERE digest = " + db::quote_literal(blob.digest) +
                          " AND seq = " + std::to_string(seq) + ") TO STDOUT (FORMAT binary)";
  std::optional<db::raw::Transaction> settings;  // a pooler's session has them only here
  if (db.pooled()) settings.emplace(db, pulse, deadline);
  std::string out;
  {
    db::raw::CopyOut copy(db, sql, pulse, deadline);
    while (const auto data = copy.next(pulse, deadline)) out += *data;
  }
  if (settings) settings->commit(pulse, deadline);
  if (static_cast<std::int64_t>(out.size()) == to - from) return out;
  throw base::Error(
      base::Kind::artifact,
      "image blob " + blob.digest + " is damaged: its part " + std::to_string(seq) +
          " is missing or shorter than it must be",
      "`wrktalk release verify --all` names the releases that need it; add one of them again with its images");
}

std::int64_t slice_end(const Blob& blob, std::int64_t from, std::int64_t limit) noexcept {
  return std::min(blob.size, (from / limit + 1) * limit);
}

}  // namespace wrktalk::images
