// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/deployer.hpp"
#include "core/exec/environment.hpp"
#include "core/exec/fence.hpp"
#include "core/exec/run.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace wrktalk::deploy {

using exec::allowed_environment;
using exec::may_be_passed;

/// How the deployers run their programs: environment, log, fence, and what cannot be an answer.
/// Both verbs throw Error(configuration) for a program that is not there, or that another user could exchange.
class Tools {
 public:
  Tools(std::vector<std::string> environment, exec::Fence& fence, OnOutput on_output);

  struct Act {
    std::vector<std::string> argv;
    std::string directory;
    std::chrono::milliseconds timeout;
    std::chrono::milliseconds grace;
    std::vector<std::string> more_environment;
    bool parse_stdout = false;  ///< stdout is for us alone: kept whole, not logged. Else it is logged like stderr
    bool is_told = true;        ///< false: nothing of it is logged or handed to `on_output`
    std::string input{};        ///< what the tool reads from stdin; it lies in memory alone
    std::function<void(const exec::Feed& feed)>
        feed{};  ///< instead, for what is too large for memory: exec::Spec::input
  };

  /// Something that changes the target: under the fence, stderr logged line by line as it comes (event deploy.output) and handed to
  /// `on_output`.
  /// Throws Error(lease_lost) when the fence ended it.
  exec::Outcome act(const Act& act, base::Pulse& pulse) const;

  /// Something that only looks: stdout kept whole, nothing logged, ended when `timeout` is over.
  exec::Outcome look(std::vector<std::string> argv, base::Pulse& pulse,
                     std::chrono::milliseconds timeout = std::chrono::minutes(1), const std::string& input = {}) const;

  /// Something to say while the target is changed: logged (event deploy.note), and handed to `on_output`.
  void tell(const std::string& line) const;

 private:
  std::vector<std::string> environment_;
  exec::Fence* fence_;
  OnOutput on_output_;
};

}  // namespace wrktalk::deploy
