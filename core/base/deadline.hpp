// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace wrktalk::base {

/// A clock that never jumps and goes on while the machine sleeps (CLOCK_BOOTTIME), so that a lease
/// measured with it is never longer than the server thinks it is. Its values mean the same to every
/// process of one boot.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};

/// A point in time by which something has ended. Never passes when it is `never()`.
class Deadline {
 public:
  static Deadline in(std::chrono::nanoseconds from_now) noexcept;
  static Deadline at(BootClock::time_point when) noexcept { return Deadline(when); }
  static Deadline never() noexcept { return Deadline(BootClock::time_point::max()); }

  bool passed() const noexcept;
  bool is_never() const noexcept { return when_ == BootClock::time_point::max(); }
  BootClock::time_point when() const noexcept { return when_; }

  /// What is left, never below zero, rounded up to whole milliseconds; for poll(2): -1 when never.
  int poll_timeout() const noexcept;
  std::chrono::milliseconds left() const noexcept;

  friend bool operator<(const Deadline& a, const Deadline& b) noexcept { return a.when_ < b.when_; }

 private:
  explicit Deadline(BootClock::time_point when) noexcept : when_(when) {}
  BootClock::time_point when_;
};

inline Deadline sooner(const Deadline& a, const Deadline& b) noexcept { return a < b ? a : b; }

}  // namespace wrktalk::base
