// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/heart.hpp"
#include "core/agent/journal.hpp"
#include "core/agent/settings.hpp"
#include "core/agent/watch.hpp"
#include "core/base/files.hpp"
#include "core/queue/target.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// One task on its way from claim to record: what the steps share. Each field is written by the step named beside it.
struct Work {
  const Settings& settings;
  Link& link;
  Heart& heart;
  Journal& journal;
  const queue::Claim& claim;
  const deploy::Target& target;
  deploy::Deployer& deployer;
  Watch& watch;
  base::Pulse& meanwhile;  ///< what goes on also when the heart does not beat any more

  std::size_t begun = 0;      ///< take-over: the row of the step table that the dead holder had reached
  queue::TargetRow before{};  ///< resolve: the target as the task found it
  std::optional<artifact::Artifact> artifact{};  ///< resolve: the release that is to run
  std::optional<long> held_revision{};           ///< resolve: a revision that the target itself may still hold
  std::optional<base::TempDir> secrets{};        ///< fetch: env and values files
  std::optional<deploy::Release> release{};      ///< fetch
  std::optional<deploy::Applied> applied{};      ///< apply
};

/// One row of the manual: what is done, and how it is undone when a later step fails.
struct Step {
  const char* name;
  void (*run)(Work&);
  void (*undo)(Work&);  ///< nullptr: nothing to undo
};

/// The flow of a deployment and of a rollback, in order. Recording and cleaning up follow whatever happens.
const std::vector<Step>& steps();

/// What the release is and where it goes; the first step, also of a take-over.
void resolve(Work& work);
/// Puts the release that ran before the task back. Throws deploy::StepError(not_put_back).
void put_back(Work& work);
/// Closes the task's own maintenance window.
void leave_maintenance(Work& work);

}  // namespace wrktalk::agent
