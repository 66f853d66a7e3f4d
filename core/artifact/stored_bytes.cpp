// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/stored_bytes.hpp"

#include "core/artifact/query.hpp"
#include "core/base/error.hpp"
#include "core/db/session.hpp"

namespace wrktalk::artifact {
namespace {

/// How long the server may take for the next piece; for the first one it may have to unpack a compressed value.
base::Deadline stall() { return base::Deadline::in(std::chrono::minutes(2)); }

/// Slices of 64 to 256 KiB are the fastest. A slice of a value that PostgreSQL compressed would unpack all before it each time:
/// such a value is unpacked once, by an expression that the planner cannot take apart.
std::string copy_statement(db::raw::Connection& db, const Artifact& artifact, base::Pulse& pulse) {
  db.script("SET LOCAL statement_timeout = 0", pulse, stall());
  const std::string id = db::quote_literal(artifact.id) + "::uuid";
  if (artifact.chunked) {
    return "COPY (SELECT data FROM release_artifact_chunk WHERE artifact_id = " + id +
           " ORDER BY seq) TO STDOUT (FORMAT binary)";
  }
  const auto found = query(db,
                           "SELECT pg_column_size(artifact_data) < octet_length(artifact_data) FROM release_artifact"
                           " WHERE id = $1::uuid",
                           {artifact.id}, pulse);
  if (found.rows.empty()) throw base::Error(base::Kind::failed, "there is no artifact " + artifact.id + " any more");
  const bool compressed = found.rows.front().front() == "t";
  return "COPY (SELECT substring(a.d FROM i * 131072 + 1 FOR 131072) FROM (SELECT artifact_data" +
         std::string(compressed ? " || ''::bytea" : "") + " AS d FROM release_artifact WHERE id = " + id +
         " OFFSET 0) a, LATERAL generate_series(0, (octet_length(a.d) - 1) / 131072) i) TO STDOUT (FORMAT binary)";
}

}  // namespace

StoredBytes::StoredBytes(db::raw::Connection& db, const Artifact& artifact, base::Pulse& pulse, ProgressCall progress)
    : pulse_(pulse),
      progress_(std::move(progress)),
      transaction_(db, pulse, stall()),
      copy_(db, copy_statement(db, artifact, pulse), pulse, stall()) {}

std::string_view StoredBytes::next() {
  pulse_.tick();
  const auto value = copy_.next(pulse_, stall());
  if (!value) return {};
  done_ += value->size();
  if (progress_) progress_(done_);
  return *value;
}

}  // namespace wrktalk::artifact
