// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"
#include "core/exec/process_tree.hpp"
#include "core/exec/run.hpp"

#include <sys/types.h>
#include <vector>

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

  int in() const noexcept { return in_.get(); }            ///< non-blocking; -1 unless the child is fed
  int out() const noexcept { return out_.get(); }          ///< non-blocking
  int err() const noexcept { return err_.get(); }          ///< non-blocking
  int process() const noexcept { return process_.get(); }  ///< readable when the child has ended

  void end_input() noexcept { in_.reset(); }

  void ask_to_end() const noexcept;    ///< TERM to the group; with a fence to all that descends from the child
  void force_to_end() const noexcept;  ///< KILL to the same

  /// After `process()` became readable. With `with_all`, what the child left in its group, or with a fence what it left at all, is
  /// killed as well. Sets `end`, `code` and `error`.
  void reap(bool with_all, Outcome& outcome);

 private:
  void read_reports(Outcome& outcome);
  void end_orphans() const;

  Fence* fence_;
  pid_t pid_ = 0;  ///< the guard's when there is a fence
  base::Fd in_, out_, err_, process_, feed_;
  std::vector<Process> orphans_before_;  ///< with a fence: came to us before it started
};

/// Reaps what ended and is no Child's: pid 1 of a container is given every orphan there. False when nothing was done because a
/// Child is not reaped yet, which must not lose its exit status.
bool reap_orphans() noexcept;

}  // namespace wrktalk::exec
