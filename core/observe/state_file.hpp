// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/observe/status.hpp"

#include <chrono>
#include <string>

/// How `wrktalk health` knows of the daemon on its machine without asking anybody: the daemon stamps a small file at every tick of its loop.
/// The database has no part in it, so that an outage there ends no agent that holds a running tool.
namespace wrktalk::observe {

/// FOLDER/wrktalk-agent-AGENT.state
std::string state_path(const std::string& folder, const std::string& agent_id);

/// The daemon's side: made at its start, gone with it.
class StateFile {
 public:
  /// Throws Error(failed) when the file cannot be made, belongs to another user, or to a daemon that runs.
  explicit StateFile(std::string path);
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;
  ~StateFile();

  /// The loop has just ticked. A file system that takes no more is no reason to stop: the stamp grows old and says so.
  void stamp() noexcept;
  /// False when somebody has removed it: then make another.
  bool is_there() const noexcept;

 private:
  std::string path_;
  std::string owner_;
  base::Fd file_;
};

struct Health {
  bool good = false;
  std::string reason;                      ///< why not
  std::chrono::milliseconds tick_age{-1};  ///< below zero: not known
};

/// What the file at `path` says of its daemon.
Health health(const std::string& path, std::chrono::milliseconds max_age);

}  // namespace wrktalk::observe
