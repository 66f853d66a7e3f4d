// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/deployer.hpp"

#include "core/deploy/kinds.hpp"

namespace wrktalk::deploy {

std::vector<std::string> Deployer::preview(const Release&, base::Pulse&) { return {}; }

std::unique_ptr<Deployer> make_deployer(const Target& target, const Settings& settings, const TaskTurn& turn,
                                        exec::Fence& fence, OnOutput on_output) {
  switch (target.kind) {
    case TargetKind::kubernetes: return make_helm(target, settings, turn, fence, std::move(on_output));
    case TargetKind::docker: return make_compose(target, settings, turn, fence, std::move(on_output));
    case TargetKind::host: return make_host(target, settings, turn, fence, std::move(on_output));
  }
  return nullptr;
}

}  // namespace wrktalk::deploy
