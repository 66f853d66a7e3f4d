// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// Looks at a namespace by kubectl now and then while helm works on it, because helm's own rollback removes the very pods that tell
/// why an upgrade failed. To be driven in place of `pulse`, which goes on meanwhile.
///
/// A look takes some 100 ms, 5 s a call at most, in which helm's output waits in its pipes.
class Witness : public base::Pulse {
 public:
  /// `helm_timeout`: of the operation that is watched; what is seen after it is helm's rollback, not its cause.
  Witness(base::Pulse& pulse, const Tools& tools, std::string kubectl, std::string of_namespace,
          std::chrono::milliseconds helm_timeout);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

  /// The pods that were not well when last looked at, the namespace's warnings and the last lines of their containers; looks once
  /// more when nothing was seen. Empty without kubectl. Not redacted.
  std::string testimony();

 private:
  void look();
  std::string kubectl(std::vector<std::string> words);

  base::Pulse& pulse_;
  const Tools& tools_;
  std::string kubectl_;
  std::string namespace_;
  std::chrono::milliseconds interval_;
  base::Deadline next_;
  base::Deadline rollback_;
  std::string seen_;
};

}  // namespace wrktalk::deploy
