// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/artifact/part_file.hpp"
#include "core/artifact/run_blocking.hpp"
#include "core/artifact/staging.hpp"
#include "core/artifact/stored_bytes.hpp"
#include "core/artifact/tree_writer.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;
using db::raw::Connection;

/// For reading without writing.
class Nowhere : public Receiver {
 public:
  void entry(const Entry&) override {}
  void data(std::string_view) override {}
};

Links links_for(const Artifact& artifact) { return artifact.chart_type == "host" ? Links::inside : Links::refused; }

void check_digest(HashedSource& packed, const Artifact& artifact) {
  const std::string digest = packed.digest();
  if (digest == artifact.sha256) return;
  throw Error(Kind::artifact,
              "sha256 does not match: " + artifact.sha256 + " is recorded, the " + std::to_string(packed.size_bytes()) +
                  " bytes that are stored have " + digest,
              "store the release again under another version, or restore the database from a backup");
}

/// Unpacks and compares the digest. When the archive is damaged the digest tells whether the database damaged it.
Totals read_verified(Connection& db, const Artifact& artifact, const Limits& limits, Receiver& receiver,
                     base::Pulse& pulse, const ProgressCall& progress) {
  StoredBytes stored(db, artifact, pulse, progress);
  HashedSource packed(stored);
  Gate gate(limits.of(artifact.chart_type), links_for(artifact));
  Totals totals;
  try {
    totals = unpack(packed, gate, receiver, pulse);
  } catch (const Error& error) {
    if (error.kind() == Kind::artifact) check_digest(packed, artifact);
    throw;
  }
  check_digest(packed, artifact);
  return totals;
}

std::string name_of(const Artifact& artifact) { return "release " + artifact.version; }

}  // namespace

VerifiedTree fetch(Connection& db, const Artifact& artifact, const std::string& destination, const Limits& limits,
                   base::Pulse& pulse, const ProgressCall& progress) {
  try {
    Staging staging(destination, pulse);
    TreeWriter writer(staging.folder());
    read_verified(db, artifact, limits, writer, pulse, progress);
    writer.finish();
    staging.publish(pulse);
  } catch (Error& error) {
    error.add_context(name_of(artifact));
    throw;
  }
  return VerifiedTree(destination);
}

void export_to(Connection& db, const Artifact& artifact, const std::string& path, base::Pulse& pulse,
               const ProgressCall& progress) {
  try {
    PartFile file(path);
    StoredBytes stored(db, artifact, pulse, progress);
    HashedSource packed(stored);
    for (auto piece = packed.next(); !piece.empty(); piece = packed.next()) file.write(piece);
    check_digest(packed, artifact);
    run_blocking(pulse, [&] { file.commit(); });
  } catch (Error& error) {
    error.add_context(name_of(artifact));
    throw;
  }
}

Verdict verify(Connection& db, const Artifact& artifact, const Limits& limits, base::Pulse& pulse,
               const ProgressCall& progress) {
  Verdict verdict;
  try {
    Nowhere nowhere;
    const Totals totals = read_verified(db, artifact, limits, nowhere, pulse, progress);
    verdict.entries = totals.entries;
    verdict.unpacked_bytes = totals.unpacked_bytes;
  } catch (const Error& error) {
    if (error.kind() != Kind::artifact) throw;
    verdict.problem = error.what();
  }
  return verdict;
}

}  // namespace wrktalk::artifact
