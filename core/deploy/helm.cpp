// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_history.hpp"
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
  Helm(const Target& target, const Settings& settings, const std::string& task_id, exec::Fence& fence,
       OnOutput on_output)
      : tools_(allowed_environment(kEnvironment, settings.passed_environment), fence, std::move(on_output)),
        subject_{settings.helm_bin, {}, target.namespace_, target.release},
        task_id_(task_id),
        kubectl_(settings.kubectl_bin),
        timeout_(settings.helm_timeout) {}

  void preflight(base::Pulse& pulse) override {
    need_version(pulse);
    history(pulse);
  }

  std::string home(const std::string& version) override {
    check_version(version);
    if (!work_) work_ = std::make_unique<WorkFolder>(working_parent(), task_id_ + "-");
    return work_->path() + "/" + version;
  }

  void check(const Release& release, base::Pulse&) override {
    find_in_tree(release.tree, {"Chart.yaml"}, "Chart.yaml");
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    need_version(pulse);
    const History before = history(pulse);
    const std::string chart = find_in_tree(release.tree, {"Chart.yaml"}, "Chart.yaml");
    helm::Upgrade upgrade{chart.substr(0, chart.rfind('/')), release.version, task_id_, release.values_file, timeout_};
    Witness witness(pulse, tools_, kubectl_, subject_.namespace_, timeout_);
    exec::Outcome outcome = run_upgrade(upgrade, witness);
    if (outcome.err.find("namespaces \"" + subject_.namespace_ + "\" not found") != std::string::npos &&
        before.empty()) {
      log::info("deploy.namespace", "the namespace is absent and will be made", {{"namespace", subject_.namespace_}});
      upgrade.create_namespace = true;
      outcome = run_upgrade(upgrade, witness);
    }
    const auto made = helm::parse_upgrade(outcome.out);
    if (outcome.good() && made && made->status == "deployed")
      return applied(made->number, "deployed " + release.version);
    fail("helm upgrade of " + name() + " to " + release.version, before, outcome, witness);
  }

  void health(const Release& release, base::Pulse& pulse) override {
    // helm waited for every resource; only somebody else's hands can have changed it since.
    const Observed seen = observe(pulse);
    if (seen.state == Observed::State::running) return;
    throw StepError(Left::dirty, "release " + name() + " is not well after " + release.version + ": " + seen.detail);
  }

  Applied put_back(const std::optional<Release>& before, std::optional<long> revision_before,
                   base::Pulse& pulse) override {
    need_version(pulse);
    const History now = history(pulse, Left::not_put_back);
    const helm::Revision* goal = revision_before ? helm::find(now, *revision_before) : nullptr;
    if (goal == nullptr && !now.empty()) goal = helm::newest_good(now, now.back().number);
    if (goal != nullptr) return roll_back(now, goal->number, Left::not_put_back, pulse);
    if (before || revision_before) {
      throw StepError(Left::not_put_back, "helm's history of " + name() + " holds no revision to go back to",
                      "deploy the release that is to run again: wrktalk deploy VERSION");
    }
    if (!now.empty()) uninstall(pulse);
    return {std::nullopt, "nothing ran before: " + name() + " was uninstalled"};
  }

  std::vector<std::string> missing_images(const Release&, base::Pulse&) override { return {}; }

  std::optional<long> held_revision(const std::string& version, std::optional<long> recorded,
                                    base::Pulse& pulse) override {
    const History now = history(pulse);
    const helm::Revision* revision = helm::held(now, version, recorded);
    if (revision == nullptr) return std::nullopt;
    return revision->number;
  }

  std::optional<std::string> version_at(long revision, base::Pulse& pulse) override {
    return helm::version_of(history(pulse), revision);
  }

  std::optional<Applied> roll_back_to(long revision, base::Pulse& pulse) override {
    need_version(pulse);
    const History now = history(pulse);
    const helm::Revision* goal = helm::find(now, revision);
    if (goal == nullptr || !goal->is_good()) return std::nullopt;
    // helm itself lets a rollback run over somebody's upgrade.
    if (now.back().is_pending() && owner(now, pulse) != task_id_) busy(now, pulse);
    return roll_back(now, revision, Left::dirty, pulse);
  }

  Observed observe(base::Pulse& pulse) override {
    const History now = history(pulse);
    Observed seen;
    if (now.empty() || now.back().status == "uninstalled") {
      seen.detail = "release " + name() + " does not exist";
      return seen;
    }
    const helm::Revision& newest = now.back();
    seen.revision = newest.number;
    seen.version = helm::version_of(now, newest.number);
    seen.detail = "revision " + std::to_string(newest.number) + " is " + newest.status + ": " +
                  log::redact(base::one_line(newest.description.substr(0, 300)));
    seen.state = newest.status == "deployed" ? Observed::State::running
                 : newest.is_pending()       ? Observed::State::pending
                                             : Observed::State::broken;
    if (!newest.is_pending()) return seen;
    seen.owner_task = owner(now, pulse);
    seen.rolls_back_to = helm::origin_of(newest);
    return seen;
  }

  bool needs_tree_to_put_back() const override { return false; }

  void recover(const Observed& observed, base::Pulse& pulse) override {
    if (observed.state != Observed::State::pending) return;
    need_version(pulse);
    const History now = history(pulse, Left::not_put_back);
    if (now.empty() || !now.back().is_pending()) return;
    if (observed.owner_task != task_id_ || now.back().number != observed.revision) busy(now, pulse);
    if (const helm::Revision* goal = helm::newest_good(now)) {
      roll_back(now, goal->number, Left::not_put_back, pulse);
    } else {
      uninstall(pulse);
    }
  }

  void tidy(const std::vector<std::string>&) noexcept override {
    work_.reset();
    WorkFolder::sweep(working_parent());
  }

 private:
  std::string name() const { return subject_.namespace_ + "/" + subject_.release; }

  Applied applied(long revision, const std::string& what) const {
    return {revision, "release " + name() + ": " + what + ", revision " + std::to_string(revision)};
  }

  void need_version(base::Pulse& pulse) {
    if (subject_.version.major != 0) return;
    const exec::Outcome outcome = tools_.look(helm::version_args(subject_.bin), pulse);
    const auto version = outcome.good() ? helm::parse_version(outcome.out) : std::nullopt;
    if (!version) throw Error(Kind::configuration, subject_.bin + " does not tell its version: " + outcome.describe());
    if (version->major < 3 || (version->major == 3 && version->minor < 13)) {
      throw Error(Kind::configuration, subject_.bin + " is too old: " + base::trim(outcome.out),
                  "install helm 3.13 or newer, which knows --labels");
    }
    subject_.version = *version;
  }

  History history(base::Pulse& pulse) const {
    const exec::Outcome outcome = tools_.look(helm::history_args(subject_), pulse);
    if (outcome.good()) return helm::parse_history(outcome.out);
    if (outcome.err.find("release: not found") != std::string::npos) return {};
    const std::string why = outcome.end == exec::Outcome::End::exited ? helm::reason(outcome.err) : outcome.describe();
    throw Error(Kind::child, "helm cannot look at " + name() + ": " + log::redact(why),
                helm::hint(outcome.err, subject_.namespace_));
  }

  /// The same where nothing may pass but a StepError: the target cannot be reached, so it stays as it is.
  History history(base::Pulse& pulse, Left left) const {
    try {
      return history(pulse);
    } catch (const Error& e) {
      if (e.kind() != Kind::child) throw;
      throw StepError(left, e.what(), e.hint());
    }
  }

  exec::Outcome run_upgrade(const helm::Upgrade& upgrade, base::Pulse& pulse) const {
    Tools::Act act;
    act.argv = helm::upgrade_args(subject_, upgrade);
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
    act.argv = helm::rollback_args(subject_, revision, timeout_);
    act.timeout = 2 * timeout_ + kMargin;
    act.grace = kMargin;
    const exec::Outcome outcome = tools_.act(act, patient);
    const std::string what = "helm rollback of " + name() + " to revision " + std::to_string(revision);
    if (!outcome.good()) {
      const History after = when_failed == Left::dirty ? history(pulse, Left::dirty) : before;
      const bool wrote = after.empty() || after.back().number != before.back().number;
      throw StepError(when_failed == Left::dirty && !wrote ? Left::untouched : when_failed, what + failed(outcome),
                      helm::hint(outcome.err, subject_.namespace_), outcome.err);
    }
    const History after = history(pulse, when_failed);
    if (after.empty() || after.back().status != "deployed") {
      throw StepError(when_failed, what + " was followed by a release that is not deployed");
    }
    return applied(after.back().number, "rolled back to revision " + std::to_string(revision));
  }

  void uninstall(base::Pulse& pulse) const {
    UntilDone patient(pulse);
    Tools::Act act;
    act.argv = helm::uninstall_args(subject_, timeout_);
    act.timeout = 2 * timeout_ + kMargin;
    act.grace = kMargin;
    const exec::Outcome outcome = tools_.act(act, patient);
    if (outcome.good()) return;
    throw StepError(Left::not_put_back, "helm uninstall of " + name() + failed(outcome),
                    helm::hint(outcome.err, subject_.namespace_), outcome.err);
  }

  static std::string failed(const exec::Outcome& outcome) {
    if (outcome.end != exec::Outcome::End::exited) return " " + outcome.describe();
    return " failed: " + log::redact(helm::reason(outcome.err));
  }

  [[noreturn]] void fail(const std::string& what, const History& before, const exec::Outcome& outcome,
                         Witness& witness) const {
    const History after = history(witness, Left::dirty);
    if (outcome.err.find("another operation (install/upgrade/rollback) is in progress") != std::string::npos) {
      busy(after, witness);
    }
    const auto left = helm::left_behind(before, after, outcome.err);
    throw StepError(left, what + failed(outcome), helm::hint(outcome.err, subject_.namespace_),
                    outcome.err + (left == Left::untouched ? "" : witness.testimony()));
  }

  [[noreturn]] void busy(const History& now, base::Pulse& pulse) const {
    const std::string task = now.empty() ? "" : owner(now, pulse);
    throw Error(Kind::busy,
                "another helm operation on " + name() + " is in progress" +
                    (now.empty() ? "" : " (" + now.back().status + ")") + ", started by " +
                    (task.empty() ? "somebody else" : "task " + task),
                "wait until it has ended, or look at it with helm history " + subject_.release + " --namespace " +
                    subject_.namespace_);
  }

  /// The task that the newest, pending revision belongs to. A rollback carries the label of the revision it goes to: it is
  /// counted to the task whose revision it undoes.
  std::string owner(const History& now, base::Pulse& pulse) const {
    const helm::Revision* made = &now.back();
    if (made->status == "pending-rollback") {
      if (now.size() < 2) return {};
      made = &now[now.size() - 2];
    }
    const exec::Outcome outcome = tools_.look(helm::task_label_args(subject_, made->number), pulse);
    return outcome.good() ? base::trim(outcome.out) : "";
  }

  Tools tools_;
  helm::Subject subject_;
  std::string task_id_;
  std::string kubectl_;
  milliseconds timeout_;
  std::unique_ptr<WorkFolder> work_;
};

}  // namespace

std::unique_ptr<Deployer> make_helm(const Target& target, const Settings& settings, const std::string& task_id,
                                    exec::Fence& fence, OnOutput on_output) {
  return std::make_unique<Helm>(target, settings, task_id, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
