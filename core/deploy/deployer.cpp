// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/deployer.hpp"

#include "core/deploy/kinds.hpp"

namespace wrktalk::deploy {

std::unique_ptr<Deployer> make_deployer(const Target& target, const Settings& settings, const std::string& task_id,
                                        exec::Fence& fence, OnOutput on_output) {
  switch (target.kind) {
    case TargetKind::kubernetes: return make_helm(target, settings, task_id, fence, std::move(on_output));
    case TargetKind::docker: return make_compose(target, settings, task_id, fence, std::move(on_output));
    case TargetKind::host: return make_host(target, settings, task_id, fence, std::move(on_output));
  }
  return nullptr;
}

}  // namespace wrktalk::deploy
