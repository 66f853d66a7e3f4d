// SPDX-License-Identifier: Apache-2.0
#include "core/images/add.hpp"

#include "core/artifact/copy_rows.hpp"
#include "core/artifact/query.hpp"
#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/db/session.hpp"
#include "core/images/sql.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace wrktalk::images {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using db::raw::Connection;

constexpr const char* kForeignKeyViolation = "23503";

Deadline soon() { return Deadline::in(std::chrono::minutes(2)); }

std::string texts(const std::vector<std::string>& items) { return db::Param(items).c_str(); }

std::vector<std::string> digests_of(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& [digest, piece] : plan.pieces) out.push_back(digest);
  return out;
}

std::string json_of(const std::vector<Image>& images) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& one : images) {
    out.push_back({{"reference", one.reference},
                   {"digest", one.digest},
                   {"media_type", one.media_type},
                   {"platforms", one.platforms},
                   {"size", one.size}});
  }
  return out.dump();
}

[[noreturn]] void was_removed() {
  throw Error(Kind::busy, "a blob of the images was removed meanwhile", "add the release again");
}

/// A blob's bytes, held against its digest and size.
class Reading {
 public:
  explicit Reading(const Plan::Piece& piece) : piece_(piece) {}

  void run(const Sink& sink, base::Pulse& pulse) {
    std::int64_t read = 0;
    piece_.content->read(
        [&](std::string_view bytes) {
          read += static_cast<std::int64_t>(bytes.size());
          if (read > piece_.blob.size) damaged("it has more bytes than declared");
          hash_.update(bytes.data(), bytes.size());
          sink(bytes);
        },
        pulse);
    if (read < piece_.blob.size) damaged("it has " + std::to_string(read) + " bytes");
    const std::string found = "sha256:" + hash_.hex();
    if (found != piece_.blob.digest) damaged("it has the digest " + found);
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw Error(Kind::artifact, "blob " + piece_.blob.digest + " is damaged: " + why, "copy the image again");
  }

  const Plan::Piece& piece_;
  base::Sha256 hash_;
};

/// Rows of image_blob_chunk, cut at each kChunk bytes.
class Chunks {
 public:
  Chunks(Connection& db, const Blob& blob, base::Pulse& pulse)
      : blob_(blob), rows_(db, "COPY image_blob_chunk (digest, seq, data) FROM STDIN (FORMAT binary)", pulse) {}

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ == 0) begin();
      const auto piece = bytes.substr(0, static_cast<std::size_t>(left_));
      rows_.bytes(piece);
      bytes.remove_prefix(piece.size());
      left_ -= static_cast<std::int64_t>(piece.size());
    }
  }

  void finish() { rows_.finish(); }

 private:
  void begin() {
    left_ = std::min(kChunk, blob_.size - seq_ * kChunk);
    rows_.row(3);
    rows_.text(blob_.digest);
    rows_.int4(static_cast<std::uint32_t>(seq_++));
    rows_.begin_bytes(static_cast<std::uint32_t>(left_));
  }

  const Blob& blob_;
  artifact::CopyRows rows_;
  std::int64_t seq_ = 0;
  std::int64_t left_ = 0;
};

void send_one(Connection& db, const Plan::Piece& piece, bool replace, base::Pulse& pulse, const Sink& sent) {
  db::raw::Transaction transaction(db, pulse, soon());
  db.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0", pulse, soon());
  if (replace) {
    db.query(sql::remove_chunks, {piece.blob.digest}, pulse, Deadline::never());
  } else {
    const auto added =
        db.query(sql::add_blob, {piece.blob.digest, std::to_string(piece.blob.size)}, pulse, Deadline::never());
    if (added.rows.empty()) return;
  }
  Chunks chunks(db, piece.blob, pulse);
  Reading(piece).run(
      [&](std::string_view bytes) {
        chunks.write(bytes);
        sent(bytes);
      },
      pulse);
  chunks.finish();
  transaction.commit(pulse, Deadline::never());
}

}  // namespace

std::set<std::string> stored_among(Connection& db, const std::vector<std::string>& digests, base::Pulse& pulse) {
  std::set<std::string> stored;
  for (const auto& row : artifact::query(db, sql::stored_blobs, {texts(digests)}, pulse).rows)
    stored.insert(row[0].value_or(""));
  return stored;
}

std::set<std::string> damaged_among(Connection& db, const std::vector<Blob>& blobs, base::Pulse& pulse,
                                    const SentCall& progress) {
  std::set<std::string> damaged;
  std::int64_t done = 0;
  for (const auto& blob : blobs) {
    try {
      read_blob(
          db, blob, [](std::string_view) {}, pulse);
    } catch (const Error& error) {
      if (error.kind() != Kind::artifact) throw;
      damaged.insert(blob.digest);
    }
    done += blob.size;
    if (progress) progress(done);
  }
  return damaged;
}

Delta compare(Connection& db, const Plan& plan, base::Pulse& pulse, const std::set<std::string>& damaged) {
  const auto stored = stored_among(db, digests_of(plan), pulse);
  Delta delta;
  for (const auto& [digest, piece] : plan.pieces) {
    const bool is_damaged = damaged.count(digest) != 0;
    if (stored.count(digest) != 0 && !is_damaged) continue;
    if (is_damaged && stored.count(digest) != 0) delta.to_replace.insert(digest);
    if (piece.content == nullptr) was_removed();
    delta.to_send.push_back(&piece);
    delta.bytes_to_send += piece.blob.size;
  }
  return delta;
}

void check_contents(const Delta& delta, base::Pulse& pulse, const SentCall& progress) {
  std::int64_t done = 0;
  for (const auto* piece : delta.to_send) {
    if (piece->content->digest() == Content::Digest::claimed) Reading(*piece).run([](std::string_view) {}, pulse);
    done += piece->blob.size;
    if (progress) progress(done);
  }
}

void send(Connection& db, const Delta& delta, base::Pulse& pulse, const SentCall& progress) {
  std::int64_t before = 0;
  for (const auto* piece : delta.to_send) {
    std::int64_t sent = before;
    send_one(db, *piece, delta.to_replace.count(piece->blob.digest) != 0, pulse, [&](std::string_view bytes) {
      sent += static_cast<std::int64_t>(bytes.size());
      if (progress) progress(sent);
    });
    before += piece->blob.size;
  }
}

void ReleaseImages::write(Connection& db, const std::string& id, base::Pulse& pulse) const {
  if (plan_.images.empty()) return;
  std::vector<std::string> types;
  for (const auto& [digest, piece] : plan_.pieces) types.push_back(piece.blob.media_type);
  try {
    db.query(sql::add_release_blobs, {id, texts(digests_of(plan_)), texts(types)}, pulse, Deadline::never());
    db.query(sql::add_images, {id, json_of(plan_.images)}, pulse, Deadline::never());
  } catch (const db::SqlError& error) {
    if (error.sqlstate() != kForeignKeyViolation) throw;
    was_removed();
  }
}

std::string ReleaseImages::difference(Connection& db, const std::string& id, base::Pulse& pulse) const {
  const auto same = db.query(sql::same_images, {id, json_of(plan_.images), texts(digests_of(plan_))}, pulse, soon());
  return same.rows.at(0).at(0) == "t" ? "" : "images";
}

}  // namespace wrktalk::images
