// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace wrktalk::base {

/// How long to wait before trying again: doubled from 250 ms to 30 s, with jitter, so that those who wait do not come back all at once.
class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset() noexcept { tries_ = 0; }
  int tries() const noexcept { return tries_; }

 private:
  int tries_ = 0;
};

}  // namespace wrktalk::base
