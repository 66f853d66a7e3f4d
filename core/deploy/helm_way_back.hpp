// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_look.hpp"
#include "core/deploy/helm_release.hpp"
#include "core/deploy/kubectl.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace wrktalk::deploy::helm {

/// Brings a helm release back to a revision that its history holds. helm's own ways fail for reasons that one more command gets over: a kept
/// object, fields that somebody took over, a hook beside a manifest that is gone. All references must outlive it.
///
/// The ladder: `helm rollback`; once more, since the failed one has changed helm's record; an upgrade with the stored release. When helm has
/// no way at all, the live objects are compared with what the revision says: where they match, nothing was harmed. Fields that others own are
/// taken on the way back, since otherwise there may be none.
class WayBack {
 public:
  struct Parts {
    const Tools& tools;
    const LiveRelease& live;
    const kube::Kubectl& kubectl;
    std::chrono::milliseconds timeout;
    /// Throws when somebody else's operation is what the history shows.
    std::function<void(const History& now, base::Pulse& pulse)> refuse_others;
    /// Whether the operation that is under way is this task's.
    std::function<bool(const History& now, base::Pulse& pulse)> is_ours;
  };
  explicit WayBack(Parts parts) : parts_(std::move(parts)), look_(parts_.tools, parts_.kubectl, parts_.timeout) {}

  /// One `helm rollback`, and another one when helm stumbled over its own record. `now` is the history before. Throws StepError: `untouched`
  /// when helm did not begin, else `dirty`.
  Applied roll_back(const History& now, long revision, base::Pulse& pulse) const;

  /// Waits until what the revision's manifest wants runs, but for its Jobs when they are not to be judged. Throws StepError(when_not).
  void await(long revision, bool with_jobs, StepError::Left when_not, base::Pulse& pulse) const;

  /// The rungs that need helm's history alone. Throws StepError(dirty) that says why none of them led back, `not_put_back` when they did and it
  /// is not well.
  Applied by_history(long revision, base::Pulse& pulse) const;

  /// The rung that needs what is stored: `upgrade` as a task of ours does it. Throws StepError(dirty).
  Applied by_stored(const Upgrade& upgrade, base::Pulse& pulse) const;

  /// When the live objects are what the revision's manifest says, and run: what helm's record of our own tries says is put right then. Else
  /// nothing, and `why_not` says in what they differ.
  std::optional<Applied> unharmed(long revision, std::string& why_not, base::Pulse& pulse) const;

 private:
  struct Goal {
    long revision = 0;
    Stored stored;
  };
  Goal look_up(long revision, base::Deadline limit, base::Pulse& pulse) const;
  exec::Outcome rollback(const Goal& goal, base::Pulse& pulse) const;
  Applied applied(long revision, const std::string& what) const;
  /// Operations of ours that helm can neither end nor undo would lock the release for ever: their records go.
  void unlock(base::Pulse& pulse) const;

  Parts parts_;
  Look look_;
};

/// A rollback or uninstall that gets TERM leaves a pending release behind: wishes to end wait until it is done.
class UntilDone : public base::Pulse {
 public:
  explicit UntilDone(base::Pulse& pulse) : pulse_(pulse) {}
  base::Deadline watch(std::vector<pollfd>& fds) override { return pulse_.watch(fds); }
  void tick() override;

 private:
  base::Pulse& pulse_;
};

/// " failed: why", redacted; or how the tool ended.
std::string failed(const exec::Outcome& outcome);

}  // namespace wrktalk::deploy::helm
