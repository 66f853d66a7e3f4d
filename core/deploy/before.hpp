// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace wrktalk::deploy {

/// What ran on a target before a task touched it, and what brings it back. A task keeps it in the database: whoever takes the task over
/// reads it and never looks again, because by then the target may be half changed.
struct Before {
  enum class State {
    nothing,  ///< nothing ran: to put back means to remove what the task made
    running,  ///< something ran, whoever made it: `way_back` brings it back
    unknown,  ///< it could not be told what ran: nothing may be put back or removed
  };
  State state = State::unknown;
  std::optional<std::string> version;  ///< the release's version where the target can tell it
  std::optional<long> revision;        ///< helm's
  /// The deployer's own notes as a JSON object: host: the link's text; compose: working folder, files and images as the containers' labels
  /// say; helm: the newest revision. Nobody else reads it.
  std::string way_back = "{}";
  std::string detail;  ///< one line for people
};

/// {"state":"running","version":"1.0","revision":3,"way_back":{...},"detail":"..."}; what is not known is left out.
std::string to_json(const Before& before);
/// Never throws for what the text holds: what cannot be read is `unknown`, and `detail` says so.
Before before_from_json(const std::string& text);

}  // namespace wrktalk::deploy
