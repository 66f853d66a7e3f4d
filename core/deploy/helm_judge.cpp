// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_judge.hpp"

#include "core/base/error.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/manifest.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

constexpr const char* kNextDocument = "\n---\n";

}  // namespace

std::optional<std::string> objects_in(const std::string& answer) {
  const json release = json::parse(answer, nullptr, false);
  if (!release.is_object() || !release.contains("manifest") || !release["manifest"].is_string()) return std::nullopt;
  std::string text = release["manifest"].get<std::string>();
  if (!release.contains("hooks") || !release["hooks"].is_array()) return text;
  for (const auto& hook : release["hooks"]) {
    if (hook.is_object() && hook.contains("manifest") && hook["manifest"].is_string())
      text += kNextDocument + hook["manifest"].get<std::string>();
  }
  return text;
}

std::vector<std::string> ChartJudge::judge(const Upgrade& upgrade, base::Pulse& pulse) const {
  if (policy_.allows_all(manifest::rules())) return {};
  policy::Findings findings;
  try {
    findings = manifest::judge(rendered(upgrade, pulse), subject_.namespace_, policy_);
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    if (policy_.refuses_any(manifest::rules()))
      throw Error(Kind::artifact, std::string("the policy cannot judge this chart: ") + e.what(), e.hint());
    return {std::string("the policy could not judge this chart: ") + e.what()};
  }
  return policy::enforce(policy_, findings);
}

void ChartJudge::judge_applied(const std::string& answer) const {
  if (!policy_.refuses_any(manifest::rules())) return;
  try {
    policy::enforce(policy_, manifest::judge(objects_in(answer).value_or(""), subject_.namespace_, policy_));
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    throw StepError(StepError::Left::dirty,
                    std::string("the chart rendered otherwise when it was applied than before: ") + e.what(), e.hint());
  }
}

std::string ChartJudge::rendered(const Upgrade& upgrade, base::Pulse& pulse) const {
  const auto from_cluster = tools_.look(render_args(subject_, upgrade), pulse, upgrade.timeout);
  auto objects = from_cluster.good() ? objects_in(from_cluster.out) : std::nullopt;
  if (!objects) {
    const auto alone = tools_.look(template_args(subject_, upgrade), pulse, upgrade.timeout);
    if (alone.good()) objects = alone.out;
  }
  if (!objects) {
    throw Error(Kind::artifact, "helm cannot render it: " + log::redact(reason(from_cluster.err)),
                hint(from_cluster.err, subject_.namespace_));
  }
  const auto crds = tools_.look(crds_args(subject_, upgrade), pulse, upgrade.timeout);
  if (!crds.good()) throw Error(Kind::artifact, "helm cannot show its definitions: " + log::redact(reason(crds.err)));
  return *objects + kNextDocument + crds.out;
}

}  // namespace wrktalk::deploy::helm
