// SPDX-License-Identifier: Apache-2.0
#include "core/images/prune.hpp"

#include "core/images/sql.hpp"

namespace wrktalk::images {
namespace {

constexpr int kBatch = 20;

struct Batch {
  Freed freed;
  bool is_full = false;
};

Batch prune_batch(db::Session& db, const std::vector<std::string>& candidates) {
  Batch batch;
  db::Transaction transaction(db);
  std::vector<std::string> locked;
  for (const auto& row : transaction.run(sql::lock_free_blobs, candidates, kBatch)) {
    locked.push_back(row[0].as<std::string>());
  }
  for (const auto& row : transaction.run(sql::remove_blobs, locked)) {
    ++batch.freed.blobs;
    batch.freed.bytes += row[0].as<std::int64_t>();
  }
  transaction.commit();
  batch.is_full = static_cast<int>(locked.size()) == kBatch;
  return batch;
}

}  // namespace

Freed prune(db::Session& db, const std::vector<Blob>& candidates, base::Pulse& pulse) {
  std::vector<std::string> digests;
  for (const auto& one : candidates) digests.push_back(one.digest);
  Freed freed;
  for (bool more = true; more;) {
    pulse.tick();
    const auto batch = db::repeated([&] { return prune_batch(db, digests); });
    freed.blobs += batch.freed.blobs;
    freed.bytes += batch.freed.bytes;
    more = batch.is_full;
  }
  return freed;
}

}  // namespace wrktalk::images
