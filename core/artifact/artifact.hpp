// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Release artifacts: into the database, out of it, and unpacked. Everything streams; memory does not depend on the size.
namespace wrktalk::artifact {

/// A row of `release_artifact` without its bytes.
struct Artifact {
  std::string id;
  std::string version;
  std::string chart_type;  ///< "helm" | "compose" | "host", or what a stranger wrote
  std::string sha256;      ///< lower-case hex
  std::uint64_t size_bytes = 0;
  bool chunked = false;
  bool is_current = false;
  bool is_previous = false;
  std::string created_at;  ///< as PostgreSQL prints timestamptz
  std::optional<std::string> applied_at;
  bool has_env = false;
  bool has_values = false;
};

/// What the gate lets through. Design section 8, style guide section 11.
struct Limits {
  std::uint64_t unpacked_bytes = 20'000'000'000;
  std::uint64_t entries = 200'000;
  std::size_t path_bytes = 1024;
  std::size_t depth = 64;
  std::uint64_t ratio = 200;  ///< unpacked to packed, looked at once more than 100 MB were written
};

/// A tree whose bytes were all read from an archive with the expected digest. Only `fetch` makes one.
class VerifiedTree {
 public:
  const std::string& path() const noexcept { return path_; }

 private:
  friend VerifiedTree fetch(db::raw::Connection&, const Artifact&, const std::string&, const Limits&, base::Pulse&,
                            const std::function<void(std::uint64_t)>&);
  explicit VerifiedTree(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// database -> sha256 -> decompress -> untar, one pass, into `destination`.part-XXXXXX beside it; only a matching digest renames it to
/// `destination` (atomically exchanged with a folder of that name, which is then renamed aside and removed). On any error
/// nothing is left. `progress` gets the bytes read so far.
/// Throws Error(artifact) for a wrong digest or a refused archive, connection_lost, or what the pulse throws.
VerifiedTree fetch(db::raw::Connection& db, const Artifact& artifact, const std::string& destination,
                   const Limits& limits, base::Pulse& pulse, const std::function<void(std::uint64_t)>& progress = {});

/// The text columns, or nothing when NULL. They hold secrets.
std::optional<std::string> env_data(db::raw::Connection& db, const std::string& id, base::Pulse& pulse);
std::optional<std::string> values_data(db::raw::Connection& db, const std::string& id, base::Pulse& pulse);

struct NewRelease {
  std::string file;  ///< path; "-" is not supported: the size must be known
  std::string version;
  std::optional<std::string> type;  ///< "helm" | "compose" | "host"; empty: recognised, or refused
  std::optional<std::string> env_data;
  std::optional<std::string> values_data;
};

/// Reads the file once to check it through the same gate as `fetch` (nothing is written) and to learn its kind and digest, then
/// stores it in one transaction. Refuses a version that is there already for this type with another digest (Error(busy)? no: Error(failed) with a hint).
Artifact add(db::raw::Connection& db, const NewRelease& release, const Limits& limits, base::Pulse& pulse,
             const std::function<void(std::uint64_t)>& progress = {});

std::vector<Artifact> list(db::raw::Connection& db, base::Pulse& pulse);
/// By version, or by id when it is a uuid; `chart_type` narrows it. Throws Error(failed) when there is none or more than one.
Artifact find(db::raw::Connection& db, const std::string& version_or_id, const std::optional<std::string>& chart_type,
              base::Pulse& pulse);

/// Writes the stored bytes to `path` (temporary file, digest compared, rename). Throws Error(artifact) on a wrong digest.
void export_to(db::raw::Connection& db, const Artifact& artifact, const std::string& path, base::Pulse& pulse,
               const std::function<void(std::uint64_t)>& progress = {});

struct Verdict {
  bool good = false;
  std::string problem;  ///< what is wrong, empty when good
  std::uint64_t entries = 0;
  std::uint64_t unpacked_bytes = 0;
};
/// Reads the stored bytes through digest and gate, writes nothing.
Verdict verify(db::raw::Connection& db, const Artifact& artifact, const Limits& limits, base::Pulse& pulse,
               const std::function<void(std::uint64_t)>& progress = {});

}  // namespace wrktalk::artifact
