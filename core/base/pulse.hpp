// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <poll.h>
#include <vector>

namespace wrktalk::base {

/// What must go on while long work is under way: the heartbeat, signals, a request to cancel.
///
/// Whoever blocks for longer than a few milliseconds takes a Pulse and drives it: it adds
/// `watch(fds)` to its own poll(2), waits no longer than the returned deadline, then calls `tick()`.
/// A loop that computes without waiting just calls `tick()` at least every 100 ms of work.
class Pulse {
 public:
  virtual ~Pulse() = default;

  /// Appends the descriptors to wait on and says when `tick()` is due at the latest.
  virtual Deadline watch(std::vector<pollfd>& fds) = 0;

  /// Does what is due, in a few milliseconds at most; cheap when nothing is.
  /// Throws Error (lease_lost, cancelled, terminated, interrupted) when the work under way must end:
  /// the caller ends it in an orderly way, ticking on and ignoring a repeated throw, and lets the error pass.
  virtual void tick() = 0;
};

/// Waits until `until`, driving the pulse; what its tick throws passes through.
void pause(Pulse& pulse, Deadline until);

/// Two as one.
class Both : public Pulse {
 public:
  Both(Pulse& one, Pulse& other) : one_(one), other_(other) {}
  Deadline watch(std::vector<pollfd>& fds) override { return sooner(one_.watch(fds), other_.watch(fds)); }
  void tick() override {
    one_.tick();
    other_.tick();
  }

 private:
  Pulse& one_;
  Pulse& other_;
};

/// For commands that hold no lease.
class NoPulse : public Pulse {
 public:
  Deadline watch(std::vector<pollfd>&) override { return Deadline::never(); }
  void tick() override {}
};

}  // namespace wrktalk::base
