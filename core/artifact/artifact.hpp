// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/gate.hpp"
#include "core/artifact/source.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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
  std::string requires_schema;  ///< as parse_requirements() reads it; empty: any schema
  bool has_server_env = false;
  std::string
      manifest{};  ///< what the release says it needs, JSON as release_manifest::to_json() wrote it; empty: it says nothing
};

/// A tree whose bytes were all read from an archive with the expected digest. Only `fetch` makes one.
class VerifiedTree {
 public:
  const std::string& path() const noexcept { return path_; }

 private:
  friend VerifiedTree fetch(db::raw::Connection&, const Artifact&, const std::string&, const Limits&, base::Pulse&,
                            const ProgressCall&);
  explicit VerifiedTree(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// database -> sha256 -> decompress -> untar, one pass, into `.NAME.part-XXXXXX` beside `destination`; only a matching digest
/// renames it to `destination` (exchanged atomically with what has that name, which is then removed). On any error nothing
/// is left. Symbolic links are let through for type "host" alone, and only those that cannot lead out of the tree.
/// `progress` gets the bytes read so far.
/// Throws Error(artifact) for a wrong digest or a refused archive, connection_lost, or what the pulse throws.
VerifiedTree fetch(db::raw::Connection& db, const Artifact& artifact, const std::string& destination,
                   const Limits& limits, base::Pulse& pulse, const ProgressCall& progress = {});

/// What an env or a values file may have at most, in bytes. Helm keeps its values in a Secret, which has 1 MiB for all; and each value is a
/// text that is looked for in all that is logged.
constexpr std::size_t kLargestText = 1'000'000;

/// A release's env and values files, nothing where the column is NULL. They hold secrets.
struct Texts {
  std::optional<std::string> env;
  std::optional<std::string> values;
};
/// Throws Error(artifact) for one above kLargestText, Error(failed) when there is no such release.
Texts texts_of(db::raw::Connection& db, const std::string& id, base::Pulse& pulse);

/// A file that went through the same gate as `fetch`. Only `check_file` makes one.
class CheckedFile {
 public:
  const std::string& path() const noexcept { return path_; }
  const std::string& chart_type() const noexcept { return chart_type_; }
  /// The compose file in it, by its path there; empty without one.
  const std::string& compose_file() const noexcept { return compose_file_; }
  /// The same of its manifest.
  const std::string& manifest_file() const noexcept { return manifest_file_; }
  const std::string& sha256() const noexcept { return sha256_; }
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  friend CheckedFile check_file(const std::string&, const std::optional<std::string>&, const Limits&, base::Pulse&,
                                const ProgressCall&);
  CheckedFile() = default;
  std::string path_;
  std::string chart_type_;
  std::string compose_file_;
  std::string manifest_file_;
  std::string sha256_;
  std::uint64_t size_bytes_ = 0;
};

/// Reads an archive through the gate, writing nothing. `chart_type` "helm" | "compose" | "host"; without one a chart and a
/// compose bundle are recognised. Throws Error(artifact) for what is refused or is not of its type.
CheckedFile check_file(const std::string& path, const std::optional<std::string>& chart_type, const Limits& limits,
                       base::Pulse& pulse, const ProgressCall& progress = {});

/// The content of those of these files that the archive holds, by name; reads it once from its beginning. Throws Error(artifact) for one that is
/// larger than `largest`.
std::map<std::string, std::string> read_files(const CheckedFile& file, const std::set<std::string>& names,
                                              std::size_t largest, const Limits& limits, base::Pulse& pulse);

/// The files right in `folder`, of the archive or of the one folder that it lies in, by their names; nothing when there is no such folder. Throws as
/// `read_files`.
std::map<std::string, std::string> read_folder(const CheckedFile& file, const std::string& folder, std::size_t largest,
                                               const Limits& limits, base::Pulse& pulse);

struct NewRelease {
  std::string version;
  std::optional<std::string> env_data;
  std::optional<std::string> values_data;
  std::optional<std::string> requires_schema{};  ///< as parse_requirements() takes it
  std::optional<std::string> server_env{};       ///< as checked_server_env() gave it
  std::optional<std::string> manifest{};         ///< as release_manifest::to_json() gave it
};

/// What else belongs to a release, in other tables.
class Companion {
 public:
  virtual ~Companion() = default;
  /// In the release's transaction, whose row `id` is new.
  virtual void write(db::raw::Connection& db, const std::string& id, base::Pulse& pulse) const = 0;
  /// What the stored release has otherwise, in a word ("images"); empty when it has the same.
  virtual std::string difference(db::raw::Connection& db, const std::string& id, base::Pulse& pulse) const = 0;
};

struct Stored {
  Artifact artifact;
  bool was_there = false;  ///< the same version, type, digest and texts were stored before; nothing was changed
};

/// Stores the file in one transaction: as one value up to 768 MiB, in chunks beyond. Throws Error(failed) when the version is
/// there for this type with another digest or other texts, Error(artifact) when the file is no longer what was checked, Error(usage) for a
/// version that is none, or that could be another release's id.
Stored store(db::raw::Connection& db, const CheckedFile& file, const NewRelease& release, base::Pulse& pulse,
             const ProgressCall& progress = {}, const Companion* companion = nullptr);

/// The release when it is stored already, with all that is told here. Throws as `store` does; changes nothing.
std::optional<Artifact> stored_before(db::raw::Connection& db, const CheckedFile& file, const NewRelease& release,
                                      base::Pulse& pulse, const Companion* companion = nullptr);

/// Newest first.
std::vector<Artifact> list(db::raw::Connection& db, base::Pulse& pulse);

/// By id, else by version; `chart_type` narrows it. Throws Error(failed) when there is none or more than one.
Artifact find(db::raw::Connection& db, const std::string& version_or_id, const std::optional<std::string>& chart_type,
              base::Pulse& pulse);

/// Writes the stored bytes to `path` (temporary file, digest compared, rename). Throws Error(artifact) on a wrong digest.
void export_to(db::raw::Connection& db, const Artifact& artifact, const std::string& path, base::Pulse& pulse,
               const ProgressCall& progress = {});

struct Verdict {
  std::string problem;  ///< what is wrong, empty when all is well
  std::uint64_t entries = 0;
  std::uint64_t unpacked_bytes = 0;
  bool good() const noexcept { return problem.empty(); }
};

/// Reads the stored bytes through digest and gate, writes nothing.
Verdict verify(db::raw::Connection& db, const Artifact& artifact, const Limits& limits, base::Pulse& pulse,
               const ProgressCall& progress = {});

}  // namespace wrktalk::artifact
