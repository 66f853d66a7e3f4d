// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/compose_override.hpp"
#include "core/deploy/compose_rest.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/deploy/compose_way_back.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/trees.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::deploy::compose {

/// The containers of one compose project, brought up so that each says what it is of, and looked at until they rest. An engine that is away is waited for. All
/// that it is made of must outlive it, and have passed `find` and `own`.
class Project {
 public:
  Project(const Engine& engine, const ComposeTool& tool, const Trees& trees, const std::string& name,
          const Settings& settings);

  /// What compose makes of the files; only of those that were judged, or that somebody else has brought up: compose opens what they name. Kept for `bring_up`.
  /// Throws Error(artifact) when compose refuses them.
  const Model& read(const ComposeSource& source, const std::string& what, base::Pulse& pulse);

  struct Wish {
    std::string what;                  ///< for people
    std::optional<Identity> identity;  ///< what each container is to carry; nothing: no label of ours
    const WayBack* ran = nullptr;      ///< with whose images, by their ids
    std::map<std::string, std::string>
        carried{};                      ///< service: the name of its image, which is the release's: that counts
    std::vector<std::string> services;  ///< only these; empty: what the files say
    std::vector<std::string> keep{};    ///< as Release::keep
    ComposeTool::Up how;
  };
  struct Brought {
    exec::Outcome outcome;  ///< of `compose up`
    Containers before;
    Containers now;
    bool moved_data = false;
    std::string words;  ///< for people, what was special: "; ..." or nothing
    bool touched() const { return moved_data || fingerprint(before) != fingerprint(now); }
  };
  /// Moves the data of what ran into the source's tree, and has compose bring it up. Afterwards every container carries `identity`: one that does not is removed
  /// when compose would not start it, and is StepError(dirty) otherwise. A failed `up` is an outcome.
  Brought bring_up(ComposeSource source, const Wish& wish, Containers before, base::Pulse& pulse);

  Containers services(base::Pulse& pulse) const { return engine_.containers(Engine::Of::services, pulse); }
  /// Removes what a compose that was killed had made of this task and not started: it holds the name that the next one needs. Returns the others.
  Containers without_half_made(const Containers& all, const std::string& task, base::Pulse& pulse) const;
  /// Waits until all are well and rest. Throws StepError(dirty).
  void rest(const std::string& what, const Containers& last, base::Pulse& pulse) const {
    rest_.wait(what, last, pulse);
  }

 private:
  using Images = std::map<std::string, std::string>;
  Images moved(const Stack& stack, const WayBack& ran, base::Pulse& pulse) const;
  exec::Outcome up(const ComposeSource& source, const ComposeTool::Up& how, base::Pulse& pulse) const;
  Containers without_strays(const Containers& all, const Wish& wish, const std::vector<std::string>& expected,
                            base::Pulse& pulse) const;

  const Engine& engine_;
  const ComposeTool& tool_;
  const Trees& trees_;
  std::chrono::milliseconds timeout_;
  Rest rest_;
  std::optional<std::pair<std::vector<std::string>, Model>> read_;  ///< of which files
};

}  // namespace wrktalk::deploy::compose
