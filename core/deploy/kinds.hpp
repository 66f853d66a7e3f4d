// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"

#include <memory>
#include <string>
#include <vector>

/// What each kind of target is to this module: one row a kind, in kinds.cpp.
namespace wrktalk::deploy {

struct KindRow {
  TargetKind kind;
  const char* form;  ///< of a target's name: "kubernetes:NAMESPACE/RELEASE"
  /// The name of the target that the settings describe.
  std::string (*default_name)(const Settings& settings, const std::string& agent_id);
  /// Takes apart what stands behind the colon of `target.name`. Throws Error(usage).
  void (*parse)(const std::string& rest, Target& target);
  /// The programs that it runs; an empty name is none.
  std::vector<std::string> (*programs)(const Settings& settings);
  /// The folder that it keeps its releases in and must be able to write to; empty: none that must be there before.
  std::string (*folder)(const Target& target, const Settings& settings);
  /// `images`: what the release carries, or null; a kind that loads none ignores it.
  std::unique_ptr<Deployer> (*make)(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output, ImageSource* images);
};

/// In the order of `base::kTargetKinds`.
const std::vector<KindRow>& kind_rows();
const KindRow& row_of(TargetKind kind);

std::unique_ptr<Deployer> make_helm(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output, ImageSource* images);
std::unique_ptr<Deployer> make_compose(const Target& target, const Settings& settings, const TaskTurn& turn,
                                       exec::Fence& fence, OnOutput on_output, ImageSource* images);
std::unique_ptr<Deployer> make_host(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output, ImageSource* images);

/// The folder that holds a host target's releases and its link.
std::string root_of(const Target& target, const Settings& settings);

}  // namespace wrktalk::deploy
