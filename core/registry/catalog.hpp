// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"
#include "core/images/store.hpp"
#include "core/registry/manifest.hpp"
#include "core/registry/request.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace wrktalk::registry {

/// Why there is nothing to send.
struct Refusal {
  int status = 404;
  std::string code;  ///< of the API: "MANIFEST_UNKNOWN"
  std::string message;
};

/// What the stored releases hold, as a registry shows it. Of releases with the same reference the newest says what its tag means; a
/// repository holds the images of its references and their blobs, nothing else. Members may be called from several threads.
class Catalog {
 public:
  /// The blob that a manifest's or blob's route means, with the media type to send. `host` is containerd's `ns`, or empty. Throws Refusal,
  /// and Error as the database does, Error(artifact) for a damaged manifest.
  images::Blob find(db::raw::Connection& db, const Route& route, const std::string& host, base::Pulse& pulse);

  /// The tags of a repository, sorted. Throws as `find` does.
  static std::vector<std::string> tags(db::raw::Connection& db, const std::string& repository, const std::string& host,
                                       base::Pulse& pulse);

 private:
  struct Known {
    std::string digest;
    std::shared_ptr<const Members> members;
  };
  std::shared_ptr<const Members> members_of(db::raw::Connection& db, const std::string& digest,
                                            const std::string& media_type, base::Pulse& pulse);
  std::shared_ptr<const Members> known(const std::string& digest);
  void remember(const std::string& digest, const std::shared_ptr<const Members>& members);

  std::mutex mutex_;
  std::list<Known> known_;  ///< the last used first; images of which every manifest is stored
};

}  // namespace wrktalk::registry
