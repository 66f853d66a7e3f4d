// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/containers.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// The engine does not answer, or went away while a tool spoke to it: to wait helps.
class EngineAway : public base::Error {
 public:
  explicit EngineAway(const std::string& what)
      : Error(base::Kind::child, what, "check that the engine runs and that we may use its socket: docker version") {}
};

/// What the Docker engine itself says of a compose project and does to it, by label: no compose file is needed.
/// `tools` must outlive it. Throws EngineAway when the engine does not answer, Error(child) for what it refuses.
class Engine {
 public:
  Engine(const Tools& tools, std::string project) : tools_(tools), project_(std::move(project)) {}

  void need_answer(base::Pulse& pulse) const;
  /// Whether a tool failed because the engine was not there.
  bool was_away(const exec::Outcome& outcome, base::Pulse& pulse) const;
  /// Until it answers again or `until` has passed; false then.
  bool wait_for_answer(const base::Deadline& until, base::Pulse& pulse) const;
  /// What `act` says, which is done again when the engine was away, for half an hour: as long as a task may be silent; a few times when the engine
  /// answers all the while, since a tool may only have said something of the kind. Throws EngineAway after that.
  template <typename Act>
  auto despite_outage(base::Pulse& pulse, Act act) const {
    const auto until = base::Deadline::in(std::chrono::minutes(30));
    for (int repeats = 0;;) {
      try {
        return act();
      } catch (const EngineAway& e) {
        note_outage(e);
        if (answers(pulse) && ++repeats > kMostRepeats) throw;
        if (!wait_for_answer(until, pulse)) throw;
      }
    }
  }

  enum class Of {
    services,    ///< of the project
    all,         ///< those that `compose run` made too
    everywhere,  ///< whoever made them, in this project or not
  };
  compose::Containers containers(Of which, base::Pulse& pulse) const;

  /// What on this machine the project's volumes are a mount of (driver_opts).
  std::vector<std::string> volume_devices(base::Pulse& pulse) const;

  bool has_image(const std::string& image, base::Pulse& pulse) const { return !image_id(image, pulse).empty(); }
  /// What a name, or an id, means here and now; empty when there is no such image.
  std::string image_id(const std::string& image, base::Pulse& pulse) const;

  /// Has `name` mean the image from now on. Throws Error(child).
  void tag(const std::string& id, const std::string& name, std::chrono::milliseconds timeout, base::Pulse& pulse) const;

  /// Starts those that are not running; what cannot be started is seen by whoever looks at them next.
  void start(const compose::Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const;
  /// The last lines of those that are not well. Not redacted.
  std::string evidence(const compose::Containers& now, base::Pulse& pulse) const;

  void stop(const compose::Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const;
  /// Stops and removes these containers. Throws StepError(dirty).
  void remove(const compose::Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const;
  /// Removes the project's networks. Throws StepError(dirty).
  void remove_networks(std::chrono::milliseconds timeout, base::Pulse& pulse) const;

 private:
  static constexpr int kMostRepeats = 3;

  using Args = std::vector<std::string>;
  [[noreturn]] void fail(const std::string& what, const exec::Outcome& outcome, base::Pulse& pulse) const;
  bool answers(base::Pulse& pulse) const;
  static void note_outage(const EngineAway& e);
  Args ids(const Args& words, base::Pulse& pulse) const;
  void each(const char* what, Args words, const Args& which, std::chrono::milliseconds timeout,
            base::Pulse& pulse) const;

  const Tools& tools_;
  std::string project_;
};

/// The last line that says something, redacted.
std::string last_line(const std::string& text);

}  // namespace wrktalk::deploy
