// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"

#include <memory>
#include <string>

/// One maker a kind of target, for make_deployer.
namespace wrktalk::deploy {

std::unique_ptr<Deployer> make_helm(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output);
std::unique_ptr<Deployer> make_compose(const Target& target, const Settings& settings, const TaskTurn& turn,
                                       exec::Fence& fence, OnOutput on_output);
std::unique_ptr<Deployer> make_host(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output);

/// The folder that holds a host target's releases and its link.
std::string root_of(const Target& target, const Settings& settings);

}  // namespace wrktalk::deploy
