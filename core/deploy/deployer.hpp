// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/base/target_kind.hpp"
#include "core/deploy/before.hpp"
#include "core/deploy/image_source.hpp"
#include "core/deploy/settings.hpp"
#include "core/exec/fence.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What is done to a target: a Kubernetes release, a compose project, a tree on this host. Nothing here knows the database.
namespace wrktalk::deploy {

using base::TargetKind;

/// One target, as its name in `deployment_target` says it: "kubernetes:NAMESPACE/RELEASE", "docker:PROJECT",
/// "host:AGENT" or "host:AGENT/NAME". Throws Error(usage) on a part that Kubernetes, compose or a file system would refuse.
struct Target {
  TargetKind kind = TargetKind::host;
  std::string name;
  std::string namespace_;  ///< kubernetes
  std::string release;     ///< kubernetes: helm's release name
  std::string project;     ///< docker
  std::string agent;       ///< host
  std::string instance;    ///< host: NAME, may be empty
};
Target parse_target(const std::string& name);

/// A version that is safe as a path part, an argument and a label: [A-Za-z0-9][A-Za-z0-9._+-]{0,99}.
/// Throws Error(artifact) naming it.
void check_version(const std::string& version);

/// A release unpacked and verified on this machine, ready to be applied.
struct Release {
  std::string version;
  std::string tree;                        ///< the folder, as `Deployer::home` named it
  std::optional<std::string> values_file;  ///< helm: 0600 in a private folder
  std::optional<std::string> env_file;     ///< compose and a host's programs: the same, with what the site sets
  /// Of a rollback: how the release was last seen running on this target. Compose brings the same images up, whatever their tags mean today.
  std::optional<Before> ran{};
  bool update_crds = false;                      ///< helm: somebody asked for it with this task
  std::vector<std::string> site_values_files{};  ///< helm: over `values_file`, the last one above all others
  bool resets_values = false;                    ///< helm: what earlier revisions were given counts no more
  /// Compose and host: paths below the release's root (see release_root) that are the site's whatever the archive holds there.
  std::vector<std::string> keep{};
};

struct Applied {
  std::optional<long> revision;  ///< helm's
  std::string summary;           ///< one line for the event log, redacted
};

/// What is really there.
struct Observed {
  enum class State {
    absent,   ///< nothing was ever deployed, or it was removed
    running,  ///< `version`/`revision` is applied and whole
    broken,   ///< something is there that is not whole (failed release, exited container, dangling link)
    pending,  ///< a helm operation is under way or was left behind; see `owner_task`
  };
  State state = State::absent;
  std::optional<std::string> version;  ///< the release's version where the target can tell it
  std::optional<long> revision;
  std::string owner_task;  ///< pending: the task whose label it carries or undoes, empty when there is none
  std::optional<long> rolls_back_to{};  ///< pending: where a helm rollback is on its way to
  std::string detail;                   ///< one line for people
};

/// What only some kinds of target can do: a Deployer says whether it can, by `images()` and `revisions()`.

/// The container images of a target's engine, which releases may bring.
class ImageInventory {
 public:
  /// Has the images that a checked release carries on the target's engine, under the names that the release means; what runs is left alone. Returns
  /// what was done, for people; nothing where there was nothing to do. Throws Error(artifact | child), with no name changed.
  virtual std::string bring(const Release& release, base::Pulse& pulse) = 0;
  /// Images that the engine lacks, and that `bring` would load from the release.
  virtual std::vector<std::string> to_load(const Release& release, base::Pulse& pulse) = 0;
  /// Images of a checked release that the engine would have to pull.
  virtual std::vector<std::string> to_pull(const Release& release, base::Pulse& pulse) = 0;

 protected:
  ~ImageInventory() = default;
};

/// The revisions that a target itself holds.
class RevisionHistory {
 public:
  /// The revision of `version` that it still holds and can go back to: `recorded` when that is one, else the newest.
  virtual std::optional<long> held(const std::string& version, std::optional<long> recorded, base::Pulse& pulse) = 0;
  /// The version of a revision, where it can tell.
  virtual std::optional<std::string> version_at(long revision, base::Pulse& pulse) = 0;
  /// Goes to a revision that it still holds (helm rollback N). Nothing when it cannot: the caller deploys the stored release instead. Throws StepError.
  virtual std::optional<Applied> go_to(long revision, base::Pulse& pulse) = 0;

 protected:
  ~RevisionHistory() = default;
};

/// A step failed. What it left is part of the error, because what comes next depends on it.
class StepError : public base::Error {
 public:
  enum class Left {
    untouched,     ///< what ran before still runs
    put_back,      ///< the tool undid it by itself (helm --atomic)
    dirty,         ///< `put_back` must be called
    not_put_back,  ///< the tool tried to undo it and failed
  };
  StepError(Left left, const std::string& what, std::string hint = {}, const std::string& evidence = {});
  Left left() const noexcept { return left_; }
  /// The tool's last words and what the target showed, redacted and bounded (32 KiB).
  const std::string& evidence() const noexcept { return evidence_; }

 private:
  Left left_;
  std::string evidence_;
};

/// What one task does to one target. Made for one task, used from one thread; each call may take as long as its time-out,
/// drives the pulse, and runs its tools under the fence.
/// Besides what stands below, each call may throw Error(child) when the target does not answer, Error(configuration) for a tool
/// that is not there, Error(lease_lost) when the fence ended a tool, and what the pulse throws; after that last one the target
/// is in an unknown state: observe it. (A helm rollback or uninstall is not interrupted by `cancelled` and `terminated`: half
/// of it would lock the release.)
class Deployer {
 public:
  virtual ~Deployer() = default;

  /// Are the tools there and does the target answer? Changes nothing. Throws Error(configuration | child).
  virtual void check_access(base::Pulse& pulse) = 0;

  /// The same, before a task touches anything; waits some seconds for a task that is just ending. Locks the folder that the releases lie in until the
  /// deployer goes; whatever else changes something there takes that lock too. Throws Error(configuration | child), also for a host
  /// target's folder that belongs to another target, and Error(busy) that names the process which works there.
  virtual void preflight(base::Pulse& pulse) = 0;

  /// The folder that a version's tree is to be unpacked to: its parent exists after this call. Nothing lies there, or a tree of ours that
  /// nothing uses and that may be replaced; a version whose tree is in use, or is not ours, gets another folder beside it (VERSION~2).
  /// Each call may give another folder.
  virtual std::string home(const std::string& version) = 0;

  /// The same for the stored release that `put_back(before)` gets: what ran before keeps its folder.
  virtual std::string home_beside(const std::string& version, const Before& before) = 0;

  /// Does the tree hold what this target needs, nothing that leaves it, and nothing that the policy refuses? Throws Error(artifact). Returns what
  /// the operator should know, a sentence each: "policy: ..." is what the policy warns of.
  virtual std::vector<std::string> check(const Release& release, base::Pulse& pulse) = 0;

  /// What is worth to know before a checked release is applied, a sentence each: fields that others own, definitions that stay as they are.
  /// Changes nothing. Throws Error(artifact) for what cannot go well.
  virtual std::vector<std::string> preview(const Release& release, base::Pulse& pulse);

  virtual ImageInventory* images() noexcept { return nullptr; }
  virtual RevisionHistory* revisions() noexcept { return nullptr; }

  /// What runs on the target, seen once before the task touches anything, with what brings it back. Throws Error(busy) when somebody
  /// else's operation is under way there; `unknown` is an answer, no error.
  virtual Before before(base::Pulse& pulse) = 0;

  /// Makes `release` the one that runs. Throws StepError; Error(busy), with nothing changed, when somebody else's helm operation is under
  /// way.
  virtual Applied apply(const Release& release, base::Pulse& pulse) = 0;

  /// Whether what was applied is well; waits until it is or the time is over. Throws StepError(dirty).
  virtual void health(const Release& release, base::Pulse& pulse) = 0;

  /// Brings back what ran before the task began, and waits until it is well, as `health` does. `stored` is that release as it is stored,
  /// unpacked on this machine: given when `needs_tree_to_put_back(before)` says so and the database has it. What was there before the task
  /// and was not made by us is never removed. `before.state` is not `unknown`. Throws StepError(not_put_back); StepError(dirty) when it has found
  /// out that only the stored release can help, `needs_tree_to_put_back` says so from now on, and to be called again with it.
  virtual Applied put_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) = 0;

  /// Whether programs of the site's run with a release's variables, also where no tree of it is at hand.
  virtual bool runs_programs() const noexcept { return false; }
  /// Whether `put_back` may need them.
  virtual bool runs_with_variables() const noexcept { return runs_programs(); }
  /// The variables of what ran before, for a `put_back` without a stored release.
  virtual void give_variables_of_before(const std::optional<std::string>& env_file);

  virtual Observed observe(base::Pulse& pulse) = 0;

  /// Whether `put_back` needs the stored release on this machine, because what ran before is not there any more, or was changed since it
  /// was unpacked.
  virtual bool needs_tree_to_put_back(const Before& before, base::Pulse& pulse) = 0;

  /// Ends what a dead owner left half done so that the next apply can work: a pending helm release is rolled back or
  /// uninstalled, half-made folders are removed. Only after the owner's lease is over. A pending helm release whose
  /// `owner_task` is not this task is somebody else's: Error(busy). (helm puts no label of its own on a rollback; a caller
  /// that knows by `rolls_back_to` that it was this task's says so in `owner_task`.) Throws StepError(not_put_back).
  virtual void recover(const Observed& observed, base::Pulse& pulse) = 0;

  /// Removes the trees that we made and recorded as ours, of versions not in `keep`, and left-over working folders of ended tasks. Never
  /// removes what runs: the tree behind the link, a tree that a container mounts. Outside any transaction; ends early when the pulse
  /// throws, and goes on the next time. Never throws.
  virtual void tidy(const std::vector<std::string>& keep, base::Pulse& pulse) noexcept = 0;
};

/// What this machine lacks to serve the target, a sentence each: programs, folders. A quick look that starts nothing; whether the target
/// answers is for `preflight`.
std::vector<std::string> missing_prerequisites(const Target& target, const Settings& settings);

/// Makes the root of a host target its own, before its first task; nothing for other kinds. Throws Error(configuration) when the root belongs to
/// another target; whether it can be worked in is for `preflight`.
void own_root(const Target& target, const Settings& settings);

/// Told of each line that a tool prints while it changes the target, redacted and bounded; must not throw.
using OnOutput = std::function<void(const std::string& line)>;

/// Which task a deployer works for, and for which of its holders.
struct TaskTurn {
  std::string task_id;  ///< in helm's labels, folder names and the lock on a folder
  int attempt = 1;      ///< a task that was taken over has a higher one
};

/// `fence`, and `images` where there are any, must outlive the deployer.
std::unique_ptr<Deployer> make_deployer(const Target& target, const Settings& settings, const TaskTurn& turn,
                                        exec::Fence& fence, OnOutput on_output = {}, ImageSource* images = nullptr);

}  // namespace wrktalk::deploy
