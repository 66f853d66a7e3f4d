// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/containers.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// What the Docker engine itself says of a compose project and does to it, by label: no compose file is needed.
/// `tools` must outlive it. Throws Error(child) when the engine does not answer, with a hint where one is known.
class Engine {
 public:
  Engine(const Tools& tools, std::string project) : tools_(tools), project_(std::move(project)) {}

  void need_answer(base::Pulse& pulse) const;

  enum class Of { services, all };  ///< all: those that `compose run` made too
  compose::Containers containers(Of which, base::Pulse& pulse) const;

  bool has_image(const std::string& image, base::Pulse& pulse) const;
  /// The last lines of those that are not well. Not redacted.
  std::string evidence(const compose::Containers& now, base::Pulse& pulse) const;

  /// Stops and removes these containers. Throws StepError(not_put_back).
  void remove(const compose::Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const;
  /// Removes the project's networks. Throws StepError(not_put_back).
  void remove_networks(std::chrono::milliseconds timeout, base::Pulse& pulse) const;

 private:
  using Args = std::vector<std::string>;
  Args ids(const Args& words, base::Pulse& pulse) const;
  void each(const char* what, Args words, const Args& which, std::chrono::milliseconds timeout,
            base::Pulse& pulse) const;

  const Tools& tools_;
  std::string project_;
};

/// The last line that says something, redacted.
std::string last_line(const std::string& text);
/// What an operator can do about an engine's error; empty when that is not known.
std::string engine_hint(const std::string& stderr_text);

}  // namespace wrktalk::deploy
