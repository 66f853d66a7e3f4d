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
class PodDiagnostics : public base::Pulse {
 public:
  /// `helm_timeout`: of the operation that is watched; what is seen after it is helm's rollback, not its cause.
  PodDiagnostics(base::Pulse& pulse, const Tools& tools, std::string kubectl, std::string of_namespace,
                 std::chrono::milliseconds helm_timeout);

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

  struct Testimony {
    /// The pods that were not well when last looked at with the last lines of their containers, and the warnings that the namespace has had
    /// since the operation began: those of the release's objects, and of what they own, such as a ReplicaSet that may make no pod.
    std::string text;
    std::string cause;  ///< the one of these sentences that says most; empty when none is known
  };
  /// Looks once more when no pod was seen. Empty without kubectl. Not redacted.
  Testimony report();

 private:
  void look();
  std::vector<std::string> warnings();
  std::string kubectl(std::vector<std::string> words);

  base::Pulse& pulse_;
  const Tools& tools_;
  std::string kubectl_;
  std::string namespace_;
  std::chrono::milliseconds interval_;
  base::Deadline next_;
  base::Deadline rollback_;
  std::string begun_;  ///< UTC
  std::string seen_;
  std::vector<std::string> stories_;  ///< of the pods in it
};

}  // namespace wrktalk::deploy
