// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/files.hpp"
#include "core/deploy/deployer.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

namespace wrktalk::deploy::test {

using Left = StepError::Left;
using State = Observed::State;

inline void write(const std::string& path, const std::string& text, mode_t mode = 0644) {
  base::make_directories(path.substr(0, path.rfind('/')), 0755);
  base::write_file(path, text, mode);
}

/// The StepError that `act` throws; fails the case when it throws none.
inline StepError step_error(const std::function<void()>& act) {
  try {
    act();
  } catch (const StepError& e) {
    return e;
  }
  FAIL("no StepError was thrown");
  return StepError(Left::untouched, "");
}

/// A fence whose lease lasts longer than any test.
class LongFence {
 public:
  LongFence() { fence_.renew(base::BootClock::now(), std::chrono::hours(1)); }
  exec::Fence& get() { return fence_; }

 private:
  exec::Fence fence_;
};

}  // namespace wrktalk::deploy::test
