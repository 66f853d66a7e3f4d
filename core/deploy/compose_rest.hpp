// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/containers.hpp"
#include "core/deploy/engine.hpp"

#include <chrono>
#include <string>

namespace wrktalk::deploy::compose {

/// Waits until a project's containers are well and have come to rest. `engine` must outlive it.
class Rest {
 public:
  /// `timeout`: how long they may take to be well; what their healthchecks may take to start, and `settle`, in which nothing is started anew, comes
  /// on top.
  Rest(const Engine& engine, const std::string& project, std::chrono::milliseconds timeout,
       std::chrono::milliseconds settle)
      : engine_(engine), project_(project), timeout_(timeout), settle_(settle) {}

  /// `what` is for people; `last` is what was seen of them just now. An engine that goes away is waited for, and what ran is started again. Throws
  /// StepError(dirty).
  void wait(const std::string& what, Containers last, base::Pulse& pulse) const;

 private:
  std::chrono::milliseconds limit(const Containers& containers) const;

  const Engine& engine_;
  const std::string& project_;
  std::chrono::milliseconds timeout_;
  std::chrono::milliseconds settle_;
};

}  // namespace wrktalk::deploy::compose
