// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/artifact.hpp"
#include "core/artifact/source.hpp"
#include "core/db/raw.hpp"

#include <cstdint>

namespace wrktalk::artifact {

/// An artifact's bytes as the database holds them, whichever way: one COPY in a transaction of its own, a piece a row.
/// The server works on one snapshot, and no piece waits for a round trip.
class StoredBytes : public Source {
 public:
  /// Throws Error(failed) when the row is gone.
  StoredBytes(db::raw::Connection& db, const Artifact& artifact, base::Pulse& pulse, ProgressCall progress);

  std::string_view next() override;

 private:
  base::Pulse& pulse_;
  ProgressCall progress_;
  db::raw::Transaction transaction_;
  db::raw::CopyOut copy_;
  std::uint64_t done_ = 0;
};

}  // namespace wrktalk::artifact
