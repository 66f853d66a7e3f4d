// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_way_back.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cstdlib>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using Left = StepError::Left;

constexpr std::chrono::minutes kMargin{1};
constexpr int kRollbacks = 2;
constexpr int kMostRecords = 5;
constexpr std::size_t kMostDifferences = 8;

std::string revision_text(long revision) { return "revision " + std::to_string(revision); }

}  // namespace

void UntilDone::tick() {
  try {
    pulse_.tick();
  } catch (const Error& e) {
    if (e.kind() != Kind::cancelled && e.kind() != Kind::terminated && e.kind() != Kind::interrupted) throw;
  }
}

std::string failed(const exec::Outcome& outcome) {
  if (outcome.end != exec::Outcome::End::exited) return " " + outcome.describe();
  return " failed: " + log::redact(reason(outcome.err));
}

Applied WayBack::applied(long revision, const std::string& what) const { return parts_.live.applied(revision, what); }

WayBack::Goal WayBack::look_up(long revision, base::Deadline limit, base::Pulse& pulse) const {
  Goal goal;
  kube::wait_for_server(parts_.tools, limit, pulse, [&] {
    goal.stored = parts_.live.stored(revision, pulse);
    HookRuns hooks(
        parts_.tools, parts_.kubectl,
        kube::hooks(readable(parts_.tools, parts_.live.hooks(revision, pulse), parts_.live.subject().namespace_),
                    {"pre-rollback", "post-rollback"}));
    hooks.make_room(pulse);
  });
  goal.revision = revision;
  return goal;
}

exec::Outcome WayBack::rollback(const Goal& goal, base::Pulse& pulse) const {
  const Subject& subject = parts_.live.subject();
  UntilDone patient(pulse);
  Tools::Act act;
  act.argv =
      rollback_args(subject, goal.revision, parts_.timeout, subject.version.major >= 4 && goal.stored.is_server_side);
  act.timeout = 2 * parts_.timeout + kMargin;
  act.grace = kMargin;
  return parts_.tools.act(act, patient);
}

Applied WayBack::roll_back(const History& now, long revision, base::Pulse& pulse) const {
  if (now.back().number == revision && now.back().status == "deployed") return applied(revision, "still there");
  const std::string what = "helm rollback of " + parts_.live.name() + " to " + revision_text(revision);
  Goal goal;
  try {
    goal = look_up(revision, base::Deadline::in(parts_.timeout), pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::child) throw;
    throw StepError(Left::untouched, e.what(), e.hint());
  }
  exec::Outcome outcome = rollback(goal, pulse);
  if (!outcome.good() && is_worth_again(outcome.err)) {
    parts_.tools.tell(what + failed(outcome) + "; it is tried once more");
    outcome = rollback(goal, pulse);
  }
  const History after = parts_.live.history(pulse, Left::dirty);
  if (!outcome.good()) {
    const bool wrote = after.empty() || after.back().number != now.back().number;
    throw StepError(wrote ? Left::dirty : Left::untouched, what + failed(outcome),
                    hint(outcome.err, parts_.live.subject().namespace_), outcome.err);
  }
  if (after.empty() || after.back().status != "deployed")
    throw StepError(Left::dirty, what + " was followed by a release that is not deployed");
  return applied(after.back().number, "rolled back to " + revision_text(revision));
}

void WayBack::await(long revision, bool with_jobs, Left when_not, base::Pulse& pulse) const {
  Stored stored;
  kube::wait_for_server(parts_.tools, base::Deadline::in(kLongestAway), pulse,
                        [&] { stored = parts_.live.stored(revision, pulse); });
  auto wanted = kube::workloads(readable(parts_.tools, stored.objects, parts_.live.subject().namespace_));
  if (!with_jobs) {
    wanted.erase(std::remove_if(wanted.begin(), wanted.end(), [](const auto& object) { return object.kind == "Job"; }),
                 wanted.end());
  }
  look_.await(wanted, parts_.live.name(), when_not, pulse);
}

Applied WayBack::by_history(long revision, base::Pulse& pulse) const {
  const std::string what = "helm rollback of " + parts_.live.name() + " to " + revision_text(revision);
  const auto longest = base::Deadline::in(kLongestAway);
  exec::Outcome outcome;
  for (int tried = 0; tried < kRollbacks;) {
    History now;
    kube::wait_for_server(parts_.tools, longest, pulse, [&] { now = parts_.live.history(pulse); });
    parts_.refuse_others(now, pulse);
    outcome = rollback(look_up(revision, longest, pulse), pulse);
    if (outcome.good()) {
      kube::wait_for_server(parts_.tools, longest, pulse, [&] { now = parts_.live.history(pulse); });
      if (now.empty() || now.back().status != "deployed")
        throw StepError(Left::dirty, what + " was followed by a release that is not deployed");
      await(revision, false, Left::not_put_back, pulse);
      return applied(now.back().number, "rolled back to " + revision_text(revision));
    }
    parts_.tools.tell(what + failed(outcome));
    if (waited_in_vain(outcome.err)) break;
    // What the server's absence ended is no try.
    if (!kube::is_away(outcome.err) || longest.passed()) ++tried;
  }
  throw StepError(Left::dirty, what + failed(outcome), hint(outcome.err, parts_.live.subject().namespace_),
                  outcome.err);
}

Applied WayBack::by_stored(const Upgrade& upgrade, base::Pulse& pulse) const {
  const std::string what = "helm upgrade of " + parts_.live.name() + " to the stored " + upgrade.wrktalk_version;
  UntilDone patient(pulse);
  Tools::Act act;
  act.argv = upgrade_args(parts_.live.subject(), upgrade);
  act.timeout = 2 * parts_.timeout + kMargin;
  act.grace = kMargin;
  act.parse_stdout = true;
  const auto outcome = parts_.tools.act(act, patient);
  const auto made = parse_upgrade(outcome.out);
  if (outcome.good() && made && made->status == "deployed") {
    await(made->number, false, Left::dirty, pulse);
    return applied(made->number, "the stored " + upgrade.wrktalk_version + " was deployed again");
  }
  parts_.tools.tell(what + failed(outcome));
  throw StepError(Left::dirty, what + failed(outcome), hint(outcome.err, parts_.live.subject().namespace_),
                  outcome.err);
}

void WayBack::unlock(base::Pulse& pulse) const {
  const Subject& subject = parts_.live.subject();
  const char* driver = std::getenv("HELM_DRIVER");
  const bool in_config_maps = driver != nullptr && base::starts_with(driver, "configmap");
  for (int removed = 0; removed < kMostRecords; ++removed) {
    const History now = parts_.live.history(pulse);
    if (now.empty() || !now.back().is_pending() || !parts_.is_ours(now, pulse)) return;
    const std::string number = std::to_string(now.back().number);
    parts_.tools.tell("helm cannot end its " + now.back().status + " (revision " + number +
                      "), whose record would lock the release: the record is removed");
    parts_.kubectl.remove({{"v1", in_config_maps ? "ConfigMap" : "Secret", subject.namespace_,
                            "sh.helm.release.v1." + subject.release + ".v" + number}},
                          pulse);
  }
}

std::optional<Applied> WayBack::unharmed(long revision, std::string& why_not, base::Pulse& pulse) const {
  try {
    kube::Kubectl::Comparison comparison;
    kube::wait_for_server(parts_.tools, base::Deadline::in(kLongestAway), pulse, [&] {
      comparison = parts_.kubectl.compare(
          kube::parse_manifest(parts_.live.stored(revision, pulse).objects, parts_.live.subject().namespace_), pulse);
    });
    if (!comparison.matches()) {
      why_not = "what runs is not what " + revision_text(revision) +
                " says: " + base::join(at_most(comparison.differences, kMostDifferences), "; ");
      return std::nullopt;
    }
    await(revision, false, Left::dirty, pulse);
    unlock(pulse);
    std::string but;
    for (const auto& object : comparison.unknown) {
      but += but.empty() ? ", but for what the server knows no more: " : ", ";
      but += object.title();
    }
    return Applied{revision, "release " + parts_.live.name() + ": nothing was harmed, what runs is what " +
                                 revision_text(revision) + " says" + but};
  } catch (const Error& e) {
    if (e.kind() != Kind::child && e.kind() != Kind::configuration && e.kind() != Kind::artifact) throw;
    why_not = e.what();
    return std::nullopt;
  }
}

}  // namespace wrktalk::deploy::helm
