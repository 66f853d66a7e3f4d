// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_upgrade.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/helm_judge.hpp"
#include "core/deploy/helm_way_back.hpp"
#include "core/deploy/hints.hpp"
#include "core/log/log.hpp"

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using Left = StepError::Left;

constexpr std::chrono::minutes kMargin{1};
constexpr std::size_t kCauseBytes = 400;

}  // namespace

UpgradeRun::Made UpgradeRun::run(const History& before, Plan plan, base::Pulse& pulse) const {
  const std::string& namespace_ = parts_.live.subject().namespace_;
  HookRuns hooks_run = hooks(plan, is_there(before));
  prepare(plan, hooks_run, pulse);
  PodDiagnostics diagnostics(pulse, parts_.tools, parts_.kubectl_bin, namespace_, parts_.timeout);
  exec::Outcome outcome = upgrade(plan.upgrade, diagnostics);
  if (outcome.err.find("namespaces \"" + namespace_ + "\" not found") != std::string::npos && before.empty()) {
    log::info("deploy.namespace", "the namespace is absent and will be made", {{"namespace", namespace_}});
    plan.upgrade.create_namespace = true;
    outcome = upgrade(plan.upgrade, diagnostics);
  }
  const auto made = parse_upgrade(outcome.out);
  if (!outcome.good() || !made || made->status != "deployed")
    fail(plan.upgrade.wrktalk_version, before, outcome, hooks_run, diagnostics);
  judge_applied(outcome.out, parts_.live.subject(), parts_.policy);
  std::vector<std::string> left_out;
  kube::wait_for_server(parts_.tools, base::Deadline::in(kLongestAway), pulse,
                        [&] { left_out = hooks_run.not_run(pulse); });
  if (!left_out.empty()) {
    throw StepError(Left::dirty, "helm did not run the hook " + base::join(left_out, ", ") + " again",
                    "give it the annotation helm.sh/hook-delete-policy: before-hook-creation");
  }
  return {made->number, objects_in(outcome.out).value_or("")};
}

exec::Outcome UpgradeRun::upgrade(const Upgrade& upgrade, base::Pulse& pulse) const {
  Tools::Act act;
  act.argv = upgrade_args(parts_.live.subject(), upgrade);
  act.timeout = 3 * parts_.timeout + kMargin;  // the upgrade, its hooks and its rollback, each with helm's own time-out
  act.grace = parts_.timeout + kMargin;        // TERM makes helm roll back
  act.parse_stdout = true;
  return parts_.tools.act(act, pulse);
}

HookRuns UpgradeRun::hooks(const Plan& plan, bool is_upgrade) const {
  const auto manifest = readable(parts_.tools, plan.rendered, parts_.live.subject().namespace_);
  return HookRuns(parts_.tools, parts_.kubectl,
                  kube::hooks(manifest, is_upgrade ? std::vector<std::string>{"pre-upgrade", "post-upgrade"}
                                                   : std::vector<std::string>{"pre-install", "post-install"}));
}

void UpgradeRun::prepare(const Plan& plan, HookRuns& hooks, base::Pulse& pulse) const {
  try {
    kube::wait_for_server(parts_.tools, base::Deadline::in(parts_.timeout), pulse, [&] { hooks.make_room(pulse); });
    if (plan.crds.empty()) return;
    parts_.kubectl.apply_crds(plan.crds, pulse);
    parts_.tools.tell("the chart's definitions of custom resources are applied");
  } catch (const StepError&) {
    throw;
  } catch (const Error& e) {
    if (e.kind() != Kind::child) throw;
    throw StepError(Left::untouched, std::string("what the upgrade needs could not be prepared: ") + e.what(),
                    e.hint());
  }
}

void UpgradeRun::fail(const std::string& version, const History& before, const exec::Outcome& outcome,
                      const HookRuns& hooks, PodDiagnostics& diagnostics) const {
  const std::string why = "helm upgrade of " + parts_.live.name() + " to " + version + failed(outcome);
  const std::string& namespace_ = parts_.live.subject().namespace_;
  const std::string what_to_do = hint(outcome.err, namespace_);
  History after;
  try {
    after = parts_.live.history(diagnostics);
  } catch (const Error& e) {
    if (e.kind() != Kind::child) throw;
    throw StepError(Left::dirty, why, what_to_do, outcome.err + "\n" + e.what());
  }
  if (met_another(outcome.err)) parts_.live.throw_busy(after, diagnostics);
  const auto left = left_behind(before, after, outcome.err);
  if (left == Left::untouched) throw StepError(left, why, what_to_do, outcome.err);
  const auto seen = diagnostics.report();
  const auto hanging = hooks.end(diagnostics);
  const std::string cause = seen.cause.empty() ? "" : "; " + shorten(log::redact(seen.cause), kCauseBytes);
  throw StepError(left,
                  why + cause + (hanging.empty() ? "" : "; still running: hook " + base::join(hanging, ", hook ")),
                  hint(outcome.err + seen.text, namespace_), outcome.err + seen.text);
}

}  // namespace wrktalk::deploy::helm
