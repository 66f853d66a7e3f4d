// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/exec/run.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// Images between registries, engines and the database, by skopeo.
namespace wrktalk::transfer {

/// skopeo and docker. What runs ends soon after us, also when we are killed.
class Tools {
 public:
  /// They see those of our variables that say where registries, engines and credentials are.
  explicit Tools(base::Pulse& pulse);

  /// Throws Error(configuration), naming the package, when skopeo is not there.
  void need_skopeo() const;

  /// For questions: stdout is kept whole.
  exec::Outcome ask(std::vector<std::string> argv) const;
  /// For copies, which may take any time as long as `moved`, bytes so far, grows. Throws Error(child) when it does not for a while.
  exec::Outcome copy(std::vector<std::string> argv, const std::function<std::int64_t()>& moved) const;

  base::Pulse& pulse() const noexcept { return pulse_; }

 private:
  exec::Outcome run(exec::Spec& spec, base::Pulse& pulse) const;

  std::vector<std::string> environment_;
  base::Pulse& pulse_;
};

/// What a tool says is wrong: skopeo's message without what its log wraps around it, else the last line.
std::string reason(const exec::Outcome& outcome);

/// "docker://REGISTRY/REPOSITORY" and ":TAG" or "@DIGEST".
std::string docker_name(const std::string& repository, const std::string& tag, const std::string& digest);
/// Whether a registry is on this machine, where Docker, too, does without TLS.
bool is_local_registry(const std::string& repository);

}  // namespace wrktalk::transfer
