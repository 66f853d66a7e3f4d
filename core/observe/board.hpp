// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/status.hpp"

#include <memory>
#include <mutex>

namespace wrktalk::observe {

/// Where the loop puts its latest status and the server's thread reads it: all that the two share.
class Board {
 public:
  void publish(const Status& status) {
    auto copy = std::make_shared<const Status>(status);
    const std::lock_guard<std::mutex> lock(mutex_);
    latest_.swap(copy);
  }
  /// Empty before the first `publish`.
  std::shared_ptr<const Status> latest() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return latest_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Status> latest_;
};

}  // namespace wrktalk::observe
