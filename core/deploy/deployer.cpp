// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/deployer.hpp"

#include "core/deploy/kinds.hpp"

namespace wrktalk::deploy {

std::vector<std::string> Deployer::preview(const Release&, base::Pulse&) { return {}; }
void Deployer::give_variables_of_before(const std::optional<std::string>& /*env_file*/) {}

std::unique_ptr<Deployer> make_deployer(const Target& target, const Settings& settings, const TaskTurn& turn,
                                        exec::Fence& fence, OnOutput on_output, ImageSource* images) {
  return row_of(target.kind).make(target, settings, turn, fence, std::move(on_output), images);
}

}  // namespace wrktalk::deploy
