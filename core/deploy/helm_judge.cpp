// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_judge.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/manifest.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

constexpr const char* kNextDocument = "\n---\n";

/// A subchart may be packed, and is not opened to see.
bool may_bring_crds(const std::string& chart) {
  std::error_code ignored;
  for (std::filesystem::recursive_directory_iterator at(chart, ignored), end; at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (name == "crds" || base::ends_with(name, ".tgz")) return true;
  }
  return false;
}

/// In the words of Helm 3 and 4.
bool refused_by_schema(const std::string& words) {
  return words.find("values don't meet the specifications of the schema") != std::string::npos;
}

/// What comes after them: a line for each value.
std::string refusals(const std::string& words) {
  constexpr std::size_t kLongest = 2'000;
  const auto begin = words.find("specifications of the schema");
  const auto line = words.find('\n', begin);
  std::string text = base::one_line(log::redact(line == std::string::npos ? words : words.substr(line + 1)));
  if (text.size() > kLongest) text = base::scrub_utf8(text.substr(0, kLongest)) + "...";
  return base::trim(text);
}

Rendered render(const Tools& tools, const Subject& subject, const Upgrade& upgrade, base::Pulse& pulse) {
  Rendered out;
  const auto from_cluster = tools.look(render_args(subject, upgrade), pulse, upgrade.timeout);
  auto objects = from_cluster.good() ? objects_in(from_cluster.out) : std::nullopt;
  if (objects) out.is_server_side = parse_stored(from_cluster.out).is_server_side;
  if (!objects) {
    const auto alone = tools.look(template_args(subject, upgrade), pulse, upgrade.timeout);
    if (alone.good()) objects = alone.out;
  }
  if (!objects && refused_by_schema(from_cluster.err)) {
    throw Error(Kind::configuration, "the chart's values.schema.json refuses the values: " + refusals(from_cluster.err),
                "see what the site sets: `wrktalk site get`, and WRKTALK_AGENT_VALUES");
  }
  if (!objects) {
    throw Error(Kind::artifact, "helm cannot render it: " + log::redact(reason(from_cluster.err)),
                hint(from_cluster.err, subject.namespace_));
  }
  out.objects = *objects;
  if (!may_bring_crds(upgrade.chart)) return out;
  const auto crds = tools.look(crds_args(subject, upgrade), pulse, upgrade.timeout);
  if (!crds.good()) throw Error(Kind::artifact, "helm cannot show its definitions: " + log::redact(reason(crds.err)));
  out.crds = crds.out;
  return out;
}

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

Judgement judge(const Tools& tools, const Subject& subject, const Upgrade& upgrade, const policy::Policy& policy,
                base::Pulse& pulse) {
  Judgement out;
  policy::Findings findings;
  try {
    out.rendered = render(tools, subject, upgrade, pulse);
    if (policy.allows_all(manifest::rules())) return out;
    findings = manifest::judge(out.rendered->objects + kNextDocument + out.rendered->crds, subject.namespace_, policy);
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    if (policy.refuses_any(manifest::rules()))
      throw Error(Kind::artifact, std::string("the policy cannot judge this chart: ") + e.what(), e.hint());
    if (!policy.allows_all(manifest::rules()))
      out.warnings.push_back(std::string("the policy could not judge this chart: ") + e.what());
    return out;
  }
  out.warnings = policy::enforce(policy, findings);
  return out;
}

void judge_applied(const std::string& answer, const Subject& subject, const policy::Policy& policy) {
  if (!policy.refuses_any(manifest::rules())) return;
  try {
    policy::enforce(policy, manifest::judge(objects_in(answer).value_or(""), subject.namespace_, policy));
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    throw StepError(StepError::Left::dirty,
                    std::string("the chart rendered otherwise when it was applied than before: ") + e.what(), e.hint());
  }
}

}  // namespace wrktalk::deploy::helm
