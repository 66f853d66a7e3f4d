// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_trial.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/deploy/chart_images.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/manifest.hpp"
#include "core/deploy/tools.hpp"
#include "core/exec/fence.hpp"
#include "core/log/log.hpp"
#include "core/log/secret_values.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;

/// What Helm 3 and 4 say of a chart and its values alone. Everything else may be due to the cluster: its version, its APIs, what `lookup` finds.
constexpr std::array<const char*, 6> kCannotBeMended = {
    "values don't meet the specifications of the schema",
    "parse error at (",
    "YAML parse error on",
    "missing in charts/ directory",
    "cannot load values.yaml",
    "cannot load Chart.yaml",
};

bool cannot_be_mended(const std::string& words) {
  return std::any_of(kCannotBeMended.begin(), kCannotBeMended.end(),
                     [&](const char* part) { return words.find(part) != std::string::npos; });
}

/// What the objects run, and what the annotation lists besides.
std::vector<std::string> images_of(const std::string& rendered, const Tools& tools, const Subject& subject,
                                   const Upgrade& upgrade, const std::optional<std::string>& values,
                                   base::Pulse& pulse) {
  const auto shown = [&](const char* what) {
    const auto answer = tools.look(show_args(subject, what, upgrade.chart), pulse, upgrade.timeout);
    if (answer.good()) return answer.out;
    throw Error(Kind::artifact, "helm cannot show the chart: " + log::redact(reason(answer.err)));
  };
  auto out = images_of_objects(rendered);
  const auto annotated = annotated_images(shown("chart"));
  const bool has_conditions =
      std::any_of(annotated.begin(), annotated.end(), [](const auto& one) { return !one.condition.empty(); });
  std::vector<std::string> texts = {values.value_or("")};
  if (has_conditions) texts.push_back(shown("values"));
  for (const auto& one : annotated) {
    if (holds(one, texts) && std::find(out.begin(), out.end(), one.image) == out.end()) out.push_back(one.image);
  }
  return out;
}

}  // namespace

Trial try_chart(const std::string& file, const std::optional<std::string>& values, const Subject& subject,
                const policy::Policy& policy, base::Pulse& pulse, std::vector<std::string>* images) {
  exec::Fence fence;
  const Tools tools(allowed_environment({}, {}), fence, {});
  const base::TempDir folder(base::private_parent(), "wrktalk-add-");
  Upgrade upgrade;
  upgrade.chart = base::absolute(file);  // no name is taken for an option, or for a chart of a repository
  upgrade.timeout = std::chrono::minutes(1);
  if (values) {
    upgrade.values_files = {folder.path() + "/values.yaml"};
    base::write_private_file(upgrade.values_files.front(), *values);
  }
  const log::SecretScope hidden(log::values_of_yaml(values.value_or("")));
  Trial out;
  exec::Outcome answer;
  try {
    answer = tools.look(template_args(subject, upgrade), pulse, upgrade.timeout);
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration) throw;
    out.why_not = e.what();
    return out;
  }
  if (!answer.good()) {
    out.why_not = "helm cannot render it: " + log::redact(reason(answer.err));
    if (cannot_be_mended(answer.err))
      throw Error(Kind::artifact, out.why_not, "try it by hand: helm template FILE --values VALUES");
    return out;
  }
  out.is_rendered = true;
  if (!policy.allows_all(manifest::rules()))
    out.warnings = policy::enforce(policy, manifest::judge(answer.out, subject.namespace_, policy));
  if (images != nullptr) *images = images_of(answer.out, tools, subject, upgrade, values, pulse);
  return out;
}

}  // namespace wrktalk::deploy::helm
