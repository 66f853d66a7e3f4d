// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/exec/run.hpp"

#include <sys/types.h>

namespace wrktalk::exec {

/// One started child, under a guard or not; the difference is invisible outside. Ended by force and reaped when it goes.
class Child {
 public:
  explicit Child(const Spec& spec) : fence_(spec.fence) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// Returns errno when the program cannot be found or started.
  int start(const Spec& spec);

  int out() const noexcept { return out_.get(); }          ///< non-blocking
  int err() const noexcept { return err_.get(); }          ///< non-blocking
  int process() const noexcept { return process_.get(); }  ///< readable when the child has ended

  void ask_to_end() const noexcept;    ///< TERM to the group
  void force_to_end() const noexcept;  ///< KILL to the group

  /// After `process()` became readable. With `whole_group`, what the child left in its group is killed as well.
  /// Sets `end`, `code` and `error`.
  void reap(bool whole_group, Outcome& outcome);

 private:
  void read_reports(Outcome& outcome);

  Fence* fence_;
  pid_t pid_ = 0;  ///< the guard's when there is a fence
  base::Fd out_, err_, process_, feed_;
};

/// Reaps what ended and is no Child's: pid 1 of a container is given every orphan there. False when nothing was done because a
/// Child is not reaped yet, which must not lose its exit status.
bool reap_orphans() noexcept;

}  // namespace wrktalk::exec
