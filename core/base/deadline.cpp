// SPDX-License-Identifier: Apache-2.0
#include "core/base/deadline.hpp"

#include <algorithm>
#include <climits>
#include <ctime>

namespace wrktalk::base {

BootClock::time_point BootClock::now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Deadline Deadline::in(std::chrono::nanoseconds from_now) noexcept { return Deadline(BootClock::now() + from_now); }

bool Deadline::passed() const noexcept { return !is_never() && BootClock::now() >= when_; }

std::chrono::milliseconds Deadline::left() const noexcept {
  if (is_never()) return std::chrono::milliseconds::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when_ - BootClock::now());
  return std::max(left, std::chrono::milliseconds::zero());
}

int Deadline::poll_timeout() const noexcept {
  if (is_never()) return -1;
  return static_cast<int>(std::min<std::chrono::milliseconds::rep>(left().count(), INT_MAX));
}

}  // namespace wrktalk::base
