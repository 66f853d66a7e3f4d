// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/helm_judge.hpp"
#include "core/deploy/helm_release.hpp"
#include "core/deploy/hints.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/deploy/witness.hpp"
#include "core/log/log.hpp"

#include <unistd.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using helm::History;
using Left = StepError::Left;
using std::chrono::milliseconds;

constexpr std::chrono::minutes kMargin{1};
constexpr std::size_t kCauseBytes = 400;
const std::vector<std::string> kEnvironment = {"KUBECONFIG", "KUBERNETES_*", "HELM_*"};

std::string working_parent() { return base::temporary_parent() + "/wrktalk-helm-" + std::to_string(::geteuid()); }

/// A rollback that gets TERM leaves a pending release behind: wishes to end wait until it is done.
class UntilDone : public base::Pulse {
 public:
  explicit UntilDone(base::Pulse& pulse) : pulse_(pulse) {}
  base::Deadline watch(std::vector<pollfd>& fds) override { return pulse_.watch(fds); }
  void tick() override {
    try {
      pulse_.tick();
    } catch (const Error& e) {
      if (e.kind() != Kind::cancelled && e.kind() != Kind::terminated && e.kind() != Kind::interrupted) throw;
    }
  }

 private:
  base::Pulse& pulse_;
};

class Helm : public Deployer {
 public:
  Helm(const Target& target, const Settings& settings, const TaskTurn& turn, exec::Fence& fence, OnOutput on_output)
      : tools_(allowed_environment(kEnvironment, settings.passed_environment), fence, std::move(on_output)),
        live_(tools_, {settings.helm_bin, {}, target.namespace_, target.release}),
        task_id_(turn.task_id),
        kubectl_(settings.kubectl_bin),
        policy_(settings.policy),
        timeout_(settings.helm_timeout) {}

  void check_access(base::Pulse& pulse) override {
    live_.need_version(pulse);
    live_.history(pulse);
  }

  void preflight(base::Pulse& pulse) override { check_access(pulse); }

  std::string home(const std::string& version) override {
    check_version(version);
    if (!work_) work_ = std::make_unique<WorkFolder>(working_parent(), task_id_ + "-");
    return work_->path() + "/" + version;
  }

  std::string home_beside(const std::string& version, const Before&) override { return home(version); }

  std::vector<std::string> check(const Release& release, base::Pulse& pulse) override {
    const auto upgrade = upgrade_to(release);
    live_.need_version(pulse);
    return policy::told(helm::ChartJudge(tools_, live_.subject(), policy_).judge(upgrade, pulse));
  }

  Before before(base::Pulse& pulse) override {
    const History now = live_.history(pulse);
    if (live_.is_foreign_under_way(now, task_id_, pulse)) live_.throw_busy(now, pulse);
    Before before;
    if (now.empty() || now.back().status == "uninstalled") {
      before.state = Before::State::nothing;
      before.detail = "release " + name() + " does not exist";
      return before;
    }
    before.detail = helm::described(now.back());
    before.way_back = helm::newest_note(now);
    if (const helm::Revision* good = helm::newest_good(now)) {
      before.state = Before::State::running;
      before.revision = good->number;
      before.version = helm::version_of(now, good->number);
    } else if (live_.is_made_by(now, task_id_, pulse)) {
      before.state = Before::State::nothing;
    } else {
      before.detail += "; it cannot be put back: no revision of it was ever whole";
    }
    return before;
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    live_.need_version(pulse);
    const History before = live_.history(pulse);
    if (live_.is_foreign_under_way(before, task_id_, pulse)) live_.throw_busy(before, pulse);
    helm::Upgrade upgrade = upgrade_to(release);
    Witness witness(pulse, tools_, kubectl_, live_.subject().namespace_, timeout_);
    exec::Outcome outcome = run_upgrade(upgrade, witness);
    if (outcome.err.find("namespaces \"" + live_.subject().namespace_ + "\" not found") != std::string::npos &&
        before.empty()) {
      log::info("deploy.namespace", "the namespace is absent and will be made",
                {{"namespace", live_.subject().namespace_}});
      upgrade.create_namespace = true;
      outcome = run_upgrade(upgrade, witness);
    }
    const auto made = helm::parse_upgrade(outcome.out);
    if (outcome.good() && made && made->status == "deployed") {
      helm::ChartJudge(tools_, live_.subject(), policy_).judge_applied(outcome.out);
      return applied(made->number, "deployed " + release.version);
    }
    fail("helm upgrade of " + name() + " to " + release.version, before, outcome, witness);
  }

  void health(const Release& release, base::Pulse& pulse) override {
    // helm waited for every resource; only somebody else's hands can have changed it since.
    const Observed seen = observe(pulse);
    if (seen.state == Observed::State::running) return;
    throw StepError(Left::dirty, "release " + name() + " is not well after " + release.version + ": " + seen.detail);
  }

  Applied put_back(const Before& before, const std::optional<Release>&, base::Pulse& pulse) override {
    live_.need_version(pulse);
    const History now = live_.history(pulse, Left::not_put_back);
    if (live_.is_foreign_under_way(now, task_id_, pulse) && !is_own_rollback(now.back())) {
      live_.refuse("another helm operation on " + name() + " is in progress (" + now.back().status + ")");
    }
    if (before.state == Before::State::nothing) {
      if (!now.empty() && now.back().status != "uninstalled") uninstall(now, pulse);
      return {std::nullopt, "nothing ran before, and release " + name() + " does not exist"};
    }
    const helm::Revision* goal = before.revision ? helm::find(now, *before.revision) : nullptr;
    if (goal == nullptr || !goal->is_good()) {
      throw StepError(Left::not_put_back, "helm's history of " + name() + " does not hold the revision that ran before",
                      "deploy the release that is to run again: wrktalk deploy VERSION");
    }
    const helm::Revision& newest = now.back();
    if (newest.status == "deployed" && helm::comes_from(now, newest.number, goal->number)) {
      return applied(newest.number, "still there");
    }
    if (newest.status == "deployed" &&
        !live_.is_deployed_by(now, task_id_, helm::noted_newest(before.way_back), pulse)) {
      live_.refuse("revision " + std::to_string(newest.number) + " of " + name() +
                   " was deployed by somebody else meanwhile");
    }
    return roll_back(now, goal->number, Left::not_put_back, pulse);
  }

  std::vector<std::string> missing_images(const Release&, base::Pulse&) override { return {}; }

  std::optional<long> held_revision(const std::string& version, std::optional<long> recorded,
                                    base::Pulse& pulse) override {
    const History now = live_.history(pulse);
    const helm::Revision* revision = helm::held(now, version, recorded);
    if (revision == nullptr) return std::nullopt;
    return revision->number;
  }

  std::optional<std::string> version_at(long revision, base::Pulse& pulse) override {
    return helm::version_of(live_.history(pulse), revision);
  }

  std::optional<Applied> roll_back_to(long revision, base::Pulse& pulse) override {
    live_.need_version(pulse);
    const History now = live_.history(pulse);
    const helm::Revision* goal = helm::find(now, revision);
    if (goal == nullptr || !goal->is_good()) return std::nullopt;
    // helm itself lets a rollback run over somebody's upgrade.
    if (live_.is_foreign_under_way(now, task_id_, pulse)) live_.throw_busy(now, pulse);
    rolling_back_to_ = revision;
    return roll_back(now, revision, Left::dirty, pulse);
  }

  Observed observe(base::Pulse& pulse) override {
    const History now = live_.history(pulse);
    Observed seen;
    if (now.empty() || now.back().status == "uninstalled") {
      seen.detail = "release " + name() + " does not exist";
      return seen;
    }
    const helm::Revision& newest = now.back();
    seen.revision = newest.number;
    seen.version = helm::version_of(now, newest.number);
    seen.detail = helm::described(newest);
    seen.state = newest.status == "deployed" ? Observed::State::running
                 : newest.is_pending()       ? Observed::State::pending
                                             : Observed::State::broken;
    if (!newest.is_pending()) return seen;
    seen.owner_task = live_.owner(now, pulse);
    seen.rolls_back_to = helm::origin_of(newest);
    return seen;
  }

  bool needs_tree_to_put_back(const Before&, base::Pulse&) override { return false; }

  void recover(const Observed& observed, base::Pulse& pulse) override {
    if (observed.state != Observed::State::pending) return;
    live_.need_version(pulse);
    const History now = live_.history(pulse, Left::not_put_back);
    if (now.empty() || !now.back().is_pending()) return;
    if (observed.owner_task != task_id_ || now.back().number != observed.revision) live_.throw_busy(now, pulse);
    if (const helm::Revision* goal = helm::newest_good(now)) {
      roll_back(now, goal->number, Left::not_put_back, pulse);
    } else {
      uninstall(now, pulse);
    }
  }

  void tidy(const std::vector<std::string>&, base::Pulse&) noexcept override {
    work_.reset();
    WorkFolder::sweep(working_parent());
  }

 private:
  std::string name() const { return live_.name(); }

  Applied applied(long revision, const std::string& what) const {
    return {revision, "release " + name() + ": " + what + ", revision " + std::to_string(revision)};
  }

  helm::Upgrade upgrade_to(const Release& release) const {
    const std::string chart = find_in_tree(release.tree, {"Chart.yaml"}, "Chart.yaml");
    return {chart.substr(0, chart.rfind('/')), release.version, task_id_, release.values_file, timeout_};
  }

  exec::Outcome run_upgrade(const helm::Upgrade& upgrade, base::Pulse& pulse) const {
    Tools::Act act;
    act.argv = helm::upgrade_args(live_.subject(), upgrade);
    act.timeout = 3 * timeout_ + kMargin;  // the upgrade, its hooks and its rollback, each with helm's own time-out
    act.grace = timeout_ + kMargin;        // TERM makes helm roll back
    act.parse_stdout = true;
    return tools_.act(act, pulse);
  }

  Applied roll_back(const History& before, long revision, Left when_failed, base::Pulse& pulse) const {
    if (before.back().number == revision && before.back().status == "deployed") {
      return applied(revision, "still there");
    }
    UntilDone patient(pulse);
    Tools::Act act;
    act.argv = helm::rollback_args(live_.subject(), revision, timeout_);
    act.timeout = 2 * timeout_ + kMargin;
    act.grace = kMargin;
    const exec::Outcome outcome = tools_.act(act, patient);
    const std::string what = "helm rollback of " + name() + " to revision " + std::to_string(revision);
    if (!outcome.good()) {
      const History after = when_failed == Left::dirty ? live_.history(pulse, Left::dirty) : before;
      const bool wrote = after.empty() || after.back().number != before.back().number;
      throw StepError(when_failed == Left::dirty && !wrote ? Left::untouched : when_failed, what + failed(outcome),
                      helm::hint(outcome.err, live_.subject().namespace_), outcome.err);
    }
    const History after = live_.history(pulse, when_failed);
    if (after.empty() || after.back().status != "deployed") {
      throw StepError(when_failed, what + " was followed by a release that is not deployed");
    }
    return applied(after.back().number, "rolled back to revision " + std::to_string(revision));
  }

  /// Only what this task alone made.
  void uninstall(const History& now, base::Pulse& pulse) const {
    if (!live_.is_made_by(now, task_id_, pulse))
      live_.refuse("release " + name() + " has revisions that this task did not make");
    UntilDone patient(pulse);
    Tools::Act act;
    act.argv = helm::uninstall_args(live_.subject(), timeout_);
    act.timeout = 2 * timeout_ + kMargin;
    act.grace = kMargin;
    const exec::Outcome outcome = tools_.act(act, patient);
    if (outcome.good()) return;
    throw StepError(Left::not_put_back, "helm uninstall of " + name() + failed(outcome),
                    helm::hint(outcome.err, live_.subject().namespace_), outcome.err);
  }

  static std::string failed(const exec::Outcome& outcome) {
    if (outcome.end != exec::Outcome::End::exited) return " " + outcome.describe();
    return " failed: " + log::redact(helm::reason(outcome.err));
  }

  [[noreturn]] void fail(const std::string& what, const History& before, const exec::Outcome& outcome,
                         Witness& witness) const {
    const History after = live_.history(witness, Left::dirty);
    if (helm::met_another(outcome.err)) live_.throw_busy(after, witness);
    const auto left = helm::left_behind(before, after, outcome.err);
    const auto seen = left == Left::untouched ? Witness::Testimony() : witness.testimony();
    const std::string why = seen.cause.empty() ? "" : "; " + shorten(log::redact(seen.cause), kCauseBytes);
    throw StepError(left, what + failed(outcome) + why, helm::hint(outcome.err + seen.text, live_.subject().namespace_),
                    outcome.err + seen.text);
  }

  /// One that `roll_back_to` began and could not end.
  bool is_own_rollback(const helm::Revision& newest) const {
    return newest.status == "pending-rollback" && rolling_back_to_ && helm::origin_of(newest) == rolling_back_to_;
  }

  Tools tools_;
  helm::LiveRelease live_;
  std::string task_id_;
  std::string kubectl_;
  policy::Policy policy_;
  milliseconds timeout_;
  std::optional<long> rolling_back_to_;
  std::unique_ptr<WorkFolder> work_;
};

}  // namespace

std::unique_ptr<Deployer> make_helm(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output) {
  return std::make_unique<Helm>(target, settings, turn, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
