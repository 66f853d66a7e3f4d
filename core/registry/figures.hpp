// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/observe/family.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::registry {

/// How the database is, as the last job found it. For all threads.
class Health {
 public:
  /// Empty: it answers.
  void set(const std::string& problem);
  /// What to say of a database that does not answer; empty: it does.
  std::string problem() const;
  bool knows() const;  ///< whether a job has ended yet
  /// How long ago a job last ended.
  base::BootClock::duration age() const;

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> problem_;
  base::BootClock::time_point at_ = base::BootClock::now();
};

/// What /metrics shows. Belongs to the server's thread.
struct Figures {
  std::map<std::pair<std::string, unsigned>, std::uint64_t> requests;  ///< by what was asked for, and status
  std::uint64_t bytes = 0;                                             ///< of blobs and manifests
  std::uint64_t damaged = 0;                                           ///< blobs that were found damaged
  std::uint64_t cut_off = 0;
  std::size_t connections = 0;
  bool ready = false;
  bool database = false;

  std::vector<observe::Family> families() const;
};

}  // namespace wrktalk::registry
