// SPDX-License-Identifier: Apache-2.0
#include "cmd/release_chart.hpp"

#include "core/agent/settings.hpp"

namespace wrktalk::cmd {

JudgedChart judge_chart(const std::string& file, const std::optional<std::string>& values, Images images,
                        const Env& env, base::Pulse& pulse) {
  const deploy::helm::Subject subject{env.settings.agent.deploy.helm_bin,
                                      {},
                                      env.settings.agent.deploy.kube_namespace,
                                      env.settings.agent.deploy.helm_release};
  JudgedChart out;
  out.trial = deploy::helm::try_chart(file, values, subject, env.settings.agent.deploy.policy, pulse,
                                      images == Images::listed ? &out.images : nullptr);
  return out;
}

}  // namespace wrktalk::cmd
