// SPDX-License-Identifier: Apache-2.0
#include "core/images/store.hpp"

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/images/sql.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::images {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// How long the server may take for the next chunk.
Deadline stall() { return Deadline::in(std::chrono::minutes(2)); }

[[noreturn]] void damaged(const std::string& digest, const std::string& why) {
  throw Error(Kind::artifact, "image blob " + digest + " is damaged: " + why,
              "`wrktalk release verify --all` names the releases that need it; add one of them again with its images");
}

[[noreturn]] void gone(const std::string& digest) {
  throw Error(Kind::artifact, "image blob " + digest + " is not stored",
              "store its release again under another version");
}

int nibble(char digit) noexcept { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

/// The bytes of a bytea in its text form, "\\x" and hexadecimal digits: libpqxx has another function for it in each of its versions.
std::string bytes_of(std::string_view text) {
  text.remove_prefix(2);
  std::string bytes(text.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
  }
  return bytes;
}

/// Holds the chunks of a blob against its size and digest, as they come.
class Check {
 public:
  Check(const std::string& digest, std::int64_t size) : digest_(digest), size_(size) {}

  std::int64_t chunks() const { return (size_ + kChunk - 1) / kChunk; }

  /// Chunk number `seq` before anything of it is handed on.
  void chunk(std::int64_t seq, std::string_view data) {
    const auto expected = std::min(kChunk, size_ - seq * kChunk);
    if (static_cast<std::int64_t>(data.size()) != expected) {
      damaged(digest_, "its part " + std::to_string(seq) + " has " + std::to_string(data.size()) + " bytes of " +
                           std::to_string(expected));
    }
    hash_.update(data.data(), data.size());
  }

  /// After all chunks.
  void whole() {
    const std::string found = "sha256:" + hash_.hex();
    if (found != digest_) damaged(digest_, "what is stored has the digest " + found);
  }

 private:
  const std::string& digest_;
  std::int64_t size_;
  base::Sha256 hash_;
};

}  // namespace

std::vector<Image> images_of(db::Session& db, const std::string& artifact_id) {
  std::vector<Image> images;
  for (const auto& row : db.run(sql::images_of, artifact_id)) {
    images.push_back({row["reference"].as<std::string>(), row["digest"].as<std::string>(),
                      row["media_type"].as<std::string>(),
                      nlohmann::json::parse(row["platforms"].as<std::string>()).get<std::vector<std::string>>(),
                      row["size_bytes"].as<std::int64_t>()});
  }
  return images;
}

std::vector<Blob> blobs_of(db::Session& db, const std::string& artifact_id) {
  std::vector<Blob> blobs;
  for (const auto& row : db.run(sql::blobs_of, artifact_id)) {
    blobs.push_back(
        {row["digest"].as<std::string>(), row["media_type"].as<std::string>(), row["size_bytes"].as<std::int64_t>()});
  }
  return blobs;
}

std::optional<std::int64_t> blob_size(db::Session& db, const std::string& digest) {
  const auto rows = db.run(sql::blob_size, digest);
  if (rows.empty()) return std::nullopt;
  return rows[0][0].as<std::int64_t>();
}

void read_blob(db::Session& db, const std::string& digest, std::int64_t from, std::int64_t to, const Sink& sink,
               base::Pulse& pulse) {
  const auto size = blob_size(db, digest);
  if (!size) gone(digest);
  if (from < 0 || from > to || to > *size) {
    throw Error(Kind::failed, "image blob " + digest + " has " + std::to_string(*size) + " bytes, not " +
                                  std::to_string(from) + " to " + std::to_string(to));
  }
  Check check(digest, *size);
  for (std::int64_t seq = from / kChunk; seq * kChunk < to; ++seq) {
    pulse.tick();
    const auto rows = db.run(sql::chunk, digest, seq);
    if (rows.empty()) damaged(digest, "its part " + std::to_string(seq) + " is missing");
    const std::string data = bytes_of({rows[0][0].c_str(), rows[0][0].size()});
    std::string_view piece = data;
    check.chunk(seq, piece);
    const std::int64_t begin = seq * kChunk;
    piece = piece.substr(0, static_cast<std::size_t>(std::min(to - begin, kChunk)));
    if (begin < from) piece.remove_prefix(static_cast<std::size_t>(from - begin));
    sink(piece);
  }
  if (from == 0 && to == *size) check.whole();
}

void read_blob(db::raw::Connection& db, const Blob& blob, const Sink& sink, base::Pulse& pulse) {
  db::raw::Transaction transaction(db, pulse, stall());
  db.script("SET LOCAL statement_timeout = 0", pulse, stall());
  db::raw::CopyOut copy(db,
                        "COPY (SELECT data FROM image_blob_chunk WHERE digest = " + db::quote_literal(blob.digest) +
                            " ORDER BY seq) TO STDOUT (FORMAT binary)",
                        pulse, stall());
  Check check(blob.digest, blob.size);
  std::int64_t seq = 0;
  while (const auto data = copy.next(pulse, stall())) {
    pulse.tick();
    if (seq == check.chunks()) damaged(blob.digest, "there is more of it than " + std::to_string(blob.size) + " bytes");
    check.chunk(seq++, *data);
    sink(*data);
  }
  if (seq != check.chunks()) damaged(blob.digest, "its part " + std::to_string(seq) + " is missing");
  check.whole();
}

}  // namespace wrktalk::images
