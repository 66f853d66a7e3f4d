// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/artifact.hpp"
#include "core/images/plan.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

/// Images of a release into the database.
namespace wrktalk::images {

/// How many bytes of those that are to be sent.
using SentCall = std::function<void(std::int64_t sent)>;

/// What a plan means for this database.
struct Delta {
  std::vector<const Plan::Piece*> to_send;
  std::set<std::string> to_replace{};  ///< of these, by digest: those that are stored and damaged
  std::int64_t bytes_to_send = 0;
};

/// Those of `digests` whose blobs the database has.
std::set<std::string> stored_among(db::raw::Connection& db, const std::vector<std::string>& digests,
                                   base::Pulse& pulse);

/// Those of `blobs`, by digest, that are not as they were stored; reads them all. `progress`: how many bytes were read.
std::set<std::string> damaged_among(db::raw::Connection& db, const std::vector<Blob>& blobs, base::Pulse& pulse,
                                    const SentCall& progress = {});

/// Which blobs the database lacks, or has `damaged`. Throws Error(busy) when one was removed that is not to be had a second time.
Delta compare(db::raw::Connection& db, const Plan& plan, base::Pulse& pulse, const std::set<std::string>& damaged = {});

/// Reads what is to be sent once, before anything is stored. Throws Error(artifact) for a blob that has another digest.
void check_contents(const Delta& delta, base::Pulse& pulse, const SentCall& progress = {});

/// Stores blobs, each in a transaction of its own: those that an add leaves behind that is interrupted are there for the next. One that somebody else
/// stores meanwhile is not stored twice; one that is to be replaced is whole at every moment, as it was or as it is to be. Throws Error(artifact) for one that changed since it was checked.
void send(db::raw::Connection& db, const Delta& delta, base::Pulse& pulse, const SentCall& progress = {});

/// The rows that say which images and blobs are the release's; none with an empty plan.
class ReleaseImages : public artifact::Companion {
 public:
  explicit ReleaseImages(const Plan& plan) : plan_(plan) {}
  /// Throws Error(busy) when a blob was removed since it was seen: send again what is missing.
  void write(db::raw::Connection& db, const std::string& id, base::Pulse& pulse) const override;
  std::string difference(db::raw::Connection& db, const std::string& id, base::Pulse& pulse) const override;

 private:
  const Plan& plan_;
};

}  // namespace wrktalk::images
