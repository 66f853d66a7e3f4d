// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/helm_judge.hpp"
#include "core/deploy/helm_leave.hpp"
#include "core/deploy/helm_look.hpp"
#include "core/deploy/helm_preview.hpp"
#include "core/deploy/helm_release.hpp"
#include "core/deploy/helm_upgrade.hpp"
#include "core/deploy/helm_way_back.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/pod_diagnostics.hpp"
#include "core/deploy/tools.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <set>
#include <unistd.h>
#include <utility>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using helm::History;
using Left = StepError::Left;
using std::chrono::milliseconds;

constexpr std::chrono::minutes kMargin{1};
const std::vector<std::string> kOurHooks = {"pre-install",  "post-install", "pre-upgrade",
                                            "post-upgrade", "pre-rollback", "post-rollback"};
const std::vector<std::string> kEnvironment = {"KUBECONFIG", "KUBERNETES_*", "HELM_*"};

std::string working_parent() { return base::temporary_parent() + "/wrktalk-helm-" + std::to_string(::geteuid()); }

/// Before anything is touched: an address that is wrong must not be waited for as long as a server that was there.
constexpr std::chrono::seconds kFirstAnswer{20};

class Helm : public Deployer, private RevisionHistory {
 public:
  Helm(const Target& target, const Settings& settings, const TaskTurn& turn, exec::Fence& fence, OnOutput on_output)
      : tools_(allowed_environment(kEnvironment, settings.passed_environment), fence, std::move(on_output)),
        live_(tools_, {settings.helm_bin, {}, target.namespace_, target.release}),
        task_id_(turn.task_id),
        kubectl_bin_(settings.kubectl_bin),
        kubectl_(tools_, settings.kubectl_bin, target.namespace_),
        policy_(settings.policy),
        timeout_(settings.helm_timeout),
        takes_fields_(settings.helm_takes_fields),
        updates_crds_(settings.helm_updates_crds),
        way_back_({tools_, live_, kubectl_, timeout_,
                   [this](const History& now, base::Pulse& pulse) { refuse_others(now, pulse); },
                   [this](const History& now, base::Pulse& pulse) { return is_ours(now, pulse); }}) {}

  void check_access(base::Pulse& pulse) override {
    live_.need_version(pulse);
    seen_ = live_.history(pulse);
  }

  void preflight(base::Pulse& pulse) override {
    live_.need_version(pulse);
    seen_ = history(std::min<milliseconds>(timeout_, kFirstAnswer), pulse);
    is_fresh_ = true;
  }

  std::string home(const std::string& version) override {
    check_version(version);
    if (!work_) work_ = std::make_unique<WorkFolder>(working_parent(), task_id_ + "-");
    return work_->path() + "/" + version;
  }

  std::string home_beside(const std::string& version, const Before&) override { return home(version); }

  std::vector<std::string> check(const Release& release, base::Pulse& pulse) override {
    live_.need_version(pulse);
    refuse_what_cannot_come_back(pulse);
    auto judgement = helm::judge(tools_, live_.subject(), upgrade_to(release), policy_, pulse);
    rendered_ = std::move(judgement.rendered);
    return policy::told(std::move(judgement.warnings));
  }

  std::vector<std::string> preview(const Release& release, base::Pulse& pulse) override {
    if (!rendered_) return {};
    auto seen = helm::preview(*rendered_, live_.subject().namespace_,
                              {takes_fields_, updates_crds_ || release.update_crds}, kubectl_, pulse);
    changed_crds_ = std::move(seen.changed_crds);
    scaled_ = std::move(seen.scaled);
    return std::move(seen.remarks);
  }

  Before before(base::Pulse& pulse) override {
    const History now = std::exchange(is_fresh_, false) ? seen_ : history(timeout_, pulse);
    seen_ = now;
    if (live_.is_foreign_under_way(now, task_id_, pulse)) live_.throw_busy(now, pulse);
    Before before;
    if (!helm::is_there(now)) {
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
    const History before = history(timeout_, pulse);
    if (live_.is_foreign_under_way(before, task_id_, pulse)) live_.throw_busy(before, pulse);
    helm::UpgradeRun::Plan plan{upgrade_to(release), rendered_ ? rendered_->objects : "", {}};
    plan.upgrade.take_fields = rendered_ && rendered_->is_server_side;
    if (!takes_fields_) leave_replicas(plan, pulse);
    if (updates_crds_ || release.update_crds) plan.crds = changed_crds_;
    auto made = helm::UpgradeRun({tools_, live_, kubectl_, kubectl_bin_, policy_, timeout_}).run(before, plan, pulse);
    applied_ = std::move(made.objects);
    return live_.applied(made.revision, "deployed " + release.version);
  }

  void health(const Release& release, base::Pulse& pulse) override {
    PodDiagnostics diagnostics(pulse, tools_, kubectl_bin_, live_.subject().namespace_, timeout_);
    try {
      if (applied_) {
        const auto manifest = helm::readable(tools_, *applied_, live_.subject().namespace_);
        helm::Look(tools_, kubectl_, timeout_).await(kube::workloads(manifest), name(), Left::dirty, diagnostics);
        return;
      }
      const Observed seen = observe(pulse);
      if (seen.state != Observed::State::running) {
        throw StepError(Left::dirty,
                        "release " + name() + " is not well after " + release.version + ": " + seen.detail);
      }
      way_back_.await(*seen.revision, true, Left::dirty, diagnostics);
    } catch (const StepError& e) {
      throw StepError(e.left(), e.what(), e.hint(), e.evidence() + diagnostics.report().text);
    }
  }

  Applied put_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) override {
    live_.need_version(pulse);
    const History now = history(helm::kLongestAway, pulse);
    refuse_others(now, pulse);
    end_hooks(now, pulse);
    if (before.state == Before::State::nothing) {
      if (helm::is_there(now)) uninstall(now, pulse);
      return {std::nullopt, "nothing ran before, and release " + name() + " does not exist"};
    }
    const helm::Revision* goal = before.revision ? helm::find(now, *before.revision) : nullptr;
    if (goal == nullptr || !goal->is_good()) {
      throw StepError(Left::not_put_back, "helm's history of " + name() + " does not hold the revision that ran before",
                      "deploy the release that is to run again: wrktalk deploy VERSION");
    }
    const helm::Revision& newest = now.back();
    if (newest.status == "deployed" && helm::comes_from(now, newest.number, goal->number)) {
      way_back_.await(goal->number, false, Left::not_put_back, pulse);
      return live_.applied(newest.number, "still there");
    }
    if (newest.status == "deployed" &&
        !live_.is_deployed_by(now, task_id_, helm::noted_newest(before.way_back), pulse)) {
      live_.refuse("revision " + std::to_string(newest.number) + " of " + name() +
                   " was deployed by somebody else meanwhile");
    }
    rollbacks_.insert(goal->number);
    return climb_back(goal->number, before, stored, pulse);
  }

  RevisionHistory* revisions() noexcept override { return this; }

  std::optional<long> held(const std::string& version, std::optional<long> recorded, base::Pulse& pulse) override {
    const History now = live_.history(pulse);
    const helm::Revision* revision = helm::held(now, version, recorded);
    if (revision == nullptr) return std::nullopt;
    return revision->number;
  }

  std::optional<std::string> version_at(long revision, base::Pulse& pulse) override {
    return helm::version_of(live_.history(pulse), revision);
  }

  std::optional<Applied> go_to(long revision, base::Pulse& pulse) override {
    live_.need_version(pulse);
    const History now = live_.history(pulse);
    const helm::Revision* goal = helm::find(now, revision);
    if (goal == nullptr || !goal->is_good()) return std::nullopt;
    // helm itself lets a rollback run over somebody's upgrade.
    if (live_.is_foreign_under_way(now, task_id_, pulse)) live_.throw_busy(now, pulse);
    rollbacks_.insert(revision);
    applied_.reset();
    return way_back_.roll_back(now, revision, pulse);
  }

  Observed observe(base::Pulse& pulse) override {
    const History now = live_.history(pulse);
    Observed seen;
    if (!helm::is_there(now)) {
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

  bool needs_tree_to_put_back(const Before&, base::Pulse&) override { return history_is_no_way_; }

  void recover(const Observed& observed, base::Pulse& pulse) override {
    if (observed.state != Observed::State::pending) return;
    live_.need_version(pulse);
    const History now = live_.history(pulse, Left::not_put_back);
    if (now.empty() || !now.back().is_pending()) return;
    if (observed.owner_task != task_id_ || now.back().number != observed.revision) live_.throw_busy(now, pulse);
    if (const helm::Revision* goal = helm::newest_good(now)) {
      recover_to(now, goal->number, pulse);
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

  /// Throws StepError(untouched) when the server did not answer in time.
  History history(milliseconds limit, base::Pulse& pulse) const {
    History now;
    kube::wait_for_server(tools_, base::Deadline::in(limit), pulse, [&] { now = live_.history(pulse); });
    return now;
  }

  helm::Upgrade upgrade_to(const Release& release) const {
    const std::string chart = find_in_tree(release.tree, {"Chart.yaml"}, "Chart.yaml");
    helm::Upgrade upgrade{chart.substr(0, chart.rfind('/')), release.version, task_id_, {}, timeout_};
    if (release.values_file) upgrade.values_files.push_back(*release.values_file);
    upgrade.values_files.insert(upgrade.values_files.end(), release.site_values_files.begin(),
                                release.site_values_files.end());
    upgrade.reset_values = release.resets_values;
    return upgrade;
  }

  /// From then on the plan's chart is what was rendered, with the numbers that are there now; what it takes is what it says.
  void leave_replicas(helm::UpgradeRun::Plan& plan, base::Pulse& pulse) const {
    if (scaled_.empty()) {
      plan.upgrade.take_fields = false;
      return;
    }
    const std::string& own = live_.subject().namespace_;
    const auto wanted = kube::workloads(helm::readable(tools_, plan.rendered, own));
    const std::string chart = work_->path() + "/left/" + live_.subject().release;
    helm::write_rendered_chart(
        plan.upgrade.chart, helm::with_live_replicas(plan.rendered, own, scaled_, kubectl_.get(wanted, pulse)), chart);
    plan.upgrade.chart = chart;
  }

  /// Those of the revision that this task began and did not end: they must not go on beside what is put back.
  void end_hooks(const History& now, base::Pulse& pulse) const {
    if (now.empty() || now.back().is_good() || live_.owner(now, pulse) != task_id_) return;
    const auto manifest = helm::readable(tools_, live_.hooks(now.back().number, pulse), live_.subject().namespace_);
    helm::HookRuns(tools_, kubectl_, kube::hooks(manifest, kOurHooks)).end(pulse);
  }

  void refuse_others(const History& now, base::Pulse& pulse) const {
    if (now.empty() || !now.back().is_under_way() || is_ours(now, pulse)) return;
    live_.refuse("another helm operation on " + name() + " is in progress (" + now.back().status + ")");
  }

  /// A release that somebody made by hand and that was never whole: nothing leads back to it.
  void refuse_what_cannot_come_back(base::Pulse& pulse) const {
    if (!helm::is_there(seen_) || helm::newest_good(seen_) != nullptr || seen_.back().is_under_way()) return;
    const bool by_hand = std::any_of(seen_.begin(), seen_.end(),
                                     [&](const auto& revision) { return live_.task_of(revision, pulse).empty(); });
    if (!by_hand) return;
    throw Error(Kind::artifact,
                "release " + name() + " was made by hand and no revision of it was ever whole (" +
                    helm::described(seen_.back()) + "): should this deployment fail, it could not be put back",
                "make it whole, or remove it: helm uninstall " + live_.subject().release + " --namespace " +
                    live_.subject().namespace_);
  }

  Applied climb_back(long revision, const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) {
    std::string why_not;
    std::optional<StepError> stuck;
    try {
      if (!history_is_no_way_) return way_back_.by_history(revision, pulse);
      if (stored && stored->version == before.version) {
        helm::Upgrade upgrade = upgrade_to(*stored);
        upgrade.undo = false;
        upgrade.take_fields = live_.subject().version.major >= 4 && live_.stored(revision, pulse).is_server_side;
        return way_back_.by_stored(upgrade, pulse);
      }
      stuck.emplace(Left::dirty, "helm's history leads nowhere, and the stored release is not the one that ran before");
    } catch (const StepError& e) {
      if (e.left() != Left::dirty) throw;
      stuck.emplace(e);
    }
    if (const auto there = way_back_.unharmed(revision, why_not, pulse)) return *there;
    // What helm has applied and waited for in vain will not become well by being applied once more.
    const bool may_go_on = !history_is_no_way_ && !helm::waited_in_vain(stuck->evidence());
    history_is_no_way_ = true;
    throw StepError(may_go_on ? Left::dirty : Left::not_put_back, std::string(stuck->what()) + "; " + why_not,
                    stuck->hint(), stuck->evidence());
  }

  void recover_to(const History& now, long revision, base::Pulse& pulse) const {
    try {
      way_back_.roll_back(now, revision, pulse);
    } catch (const StepError& e) {
      throw StepError(Left::not_put_back, e.what(), e.hint(), e.evidence());
    }
  }

  /// Only what this task alone made.
  void uninstall(const History& now, base::Pulse& pulse) const {
    if (!live_.is_made_by(now, task_id_, pulse))
      live_.refuse("release " + name() + " has revisions that this task did not make");
    helm::UntilDone patient(pulse);
    Tools::Act act;
    act.argv = helm::uninstall_args(live_.subject(), timeout_);
    act.timeout = 2 * timeout_ + kMargin;
    act.grace = kMargin;
    kube::wait_for_server(tools_, base::Deadline::in(helm::kLongestAway), pulse, [&] {
      const exec::Outcome outcome = tools_.act(act, patient);
      if (outcome.good() || outcome.err.find("release: not found") != std::string::npos) return;
      const std::string why = "helm uninstall of " + name() + helm::failed(outcome);
      if (kube::is_away(outcome.err)) throw Error(Kind::child, why);
      throw StepError(Left::not_put_back, why, helm::hint(outcome.err, live_.subject().namespace_), outcome.err);
    });
  }

  /// helm puts no label on a rollback: it is ours when it goes where we went.
  bool is_ours(const History& now, base::Pulse& pulse) const {
    const auto goal = now.back().status == "pending-rollback" ? helm::origin_of(now.back()) : std::nullopt;
    return (goal && rollbacks_.count(*goal) != 0) || live_.owner(now, pulse) == task_id_;
  }

  Tools tools_;
  helm::LiveRelease live_;
  std::string task_id_;
  std::string kubectl_bin_;
  kube::Kubectl kubectl_;
  policy::Policy policy_;
  milliseconds timeout_;
  bool takes_fields_;
  bool updates_crds_;
  helm::WayBack way_back_;
  History seen_;                            ///< by `preflight`, `check_access` or `before`, before anything was touched
  bool is_fresh_ = false;                   ///< by `preflight` a moment ago
  std::optional<helm::Rendered> rendered_;  ///< by `check`
  kube::Manifest changed_crds_;             ///< by `preview`
  std::vector<std::string> scaled_;         ///< by `preview`
  std::optional<std::string> applied_;      ///< by `apply`: the objects that helm made
  std::set<long> rollbacks_;                ///< where this task has rolled back to
  bool history_is_no_way_ = false;          ///< `put_back` has tried it
  std::unique_ptr<WorkFolder> work_;
};

}  // namespace

std::unique_ptr<Deployer> make_helm(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output, ImageSource* /*images*/) {
  return std::make_unique<Helm>(target, settings, turn, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
