// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/helm_args.hpp"
#include "core/deploy/helm_history.hpp"
#include "core/deploy/tools.hpp"

#include <string>

namespace wrktalk::deploy::helm {

/// One helm release as the cluster shows it, and which task made what of it. `tools` must outlive it.
class LiveRelease {
 public:
  LiveRelease(const Tools& tools, Subject subject) : tools_(tools), subject_(std::move(subject)) {}

  const Subject& subject() const noexcept { return subject_; }
  std::string name() const { return subject_.namespace_ + "/" + subject_.release; }

  /// Asks helm for its version, once. Throws Error(configuration) when it is too old.
  void need_version(base::Pulse& pulse);

  /// Empty when there is no such release. Throws Error(child) when the cluster does not answer.
  History history(base::Pulse& pulse) const;
  /// The same where nothing may pass but a StepError: the target cannot be reached, so it stays as it is.
  History history(base::Pulse& pulse, StepError::Left left) const;

  /// What a revision holds, and the objects of its hooks. Throw Error(child).
  Stored stored(long revision, base::Pulse& pulse) const;
  std::string hooks(long revision, base::Pulse& pulse) const;

  /// The task that made a revision, by its label; empty when none did or it cannot be told. An upgrade by hand on top of a task's revision
  /// counts as that task's until it is deployed: see has_inherited_label.
  std::string task_of(const Revision& revision, base::Pulse& pulse) const;
  /// The task that the newest revision belongs to, which is under way. A rollback carries the label of the revision it goes to: it is
  /// counted to the task whose revision it undoes.
  std::string owner(const History& now, base::Pulse& pulse) const;
  bool is_foreign_under_way(const History& now, const std::string& task, base::Pulse& pulse) const;
  bool is_made_by(const History& now, const std::string& task, base::Pulse& pulse) const;
  /// Whether the newest revision, which is deployed, is the task's doing since the revision numbered `seen`. A rollback carries no label
  /// of the task that does it: a task that made no revision since then is one that rolls back, and the rollback is taken for its own.
  bool is_deployed_by(const History& now, const std::string& task, long seen, base::Pulse& pulse) const;

  /// "release NAMESPACE/NAME: WHAT, revision 7".
  Applied applied(long revision, const std::string& what) const;

  [[noreturn]] void throw_busy(const History& now, base::Pulse& pulse) const;  ///< Error(busy)
  [[noreturn]] void refuse(const std::string& why) const;                      ///< StepError(not_put_back)

 private:
  std::string how_to_look() const;
  exec::Outcome ask(const Args& args, base::Pulse& pulse) const;

  const Tools& tools_;
  Subject subject_;
};

/// "revision 3 is failed: ...", redacted.
std::string described(const Revision& revision);

}  // namespace wrktalk::deploy::helm
