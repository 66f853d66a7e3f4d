// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/exec/child.hpp"
#include "core/exec/run.hpp"

namespace wrktalk::exec {

/// A child that works while its owner does something else, such as the other end of a pipeline. It is started at once; what it
/// prints to us before `wait` waits in a pipe of 64 KiB. One that was not waited for is ended by force and reaped.
class Background {
 public:
  explicit Background(Spec spec);
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Drives it to its end, as `run` does; the timeout counts from here. Once.
  Outcome wait(base::Pulse& pulse);

 private:
  const Spec spec_;
  const base::BootClock::time_point started_;
  Child child_;
  const int error_;  ///< errno when it could not be started
};

}  // namespace wrktalk::exec
