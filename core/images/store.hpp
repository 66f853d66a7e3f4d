// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/session.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Container images in releases: OCI blobs by digest in the database, each stored once.
namespace wrktalk::images {

/// A blob lies in rows of this size; its last row is shorter.
constexpr std::int64_t kChunk = 256 << 10;

/// An image of a release.
struct Image {
  std::string reference;  ///< as the bundle writes it
  std::string digest;     ///< "sha256:" and 64 hexadecimal digits: of the manifest, or of the index
  std::string media_type;
  std::vector<std::string> platforms;  ///< "linux/amd64": those that are stored
  std::int64_t size = 0;               ///< of all its blobs
};

struct Blob {
  std::string digest;
  std::string media_type;
  std::int64_t size = 0;
};

/// By reference.
std::vector<Image> images_of(db::Session& db, const std::string& artifact_id);

/// All that the release needs: indexes, manifests, configurations and layers, by digest.
std::vector<Blob> blobs_of(db::Session& db, const std::string& artifact_id);

/// Nothing: it is not stored. A blob that is stored is whole.
std::optional<std::int64_t> blob_size(db::Session& db, const std::string& digest);

using Sink = std::function<void(std::string_view)>;

/// Hands bytes [from, to) of a blob to `sink` in order, at most a chunk at a time. When the whole blob is read, its digest is checked at the end.
/// No transaction is open while `sink` works: it may take its time. Throws Error(artifact) for a blob that is damaged or gone.
void read_blob(db::Session& db, const std::string& digest, std::int64_t from, std::int64_t to, const Sink& sink,
               base::Pulse& pulse);

/// The whole blob by one COPY, several times as fast; a transaction stays open meanwhile. Otherwise as above.
void read_blob(db::raw::Connection& db, const Blob& blob, const Sink& sink, base::Pulse& pulse);

}  // namespace wrktalk::images
