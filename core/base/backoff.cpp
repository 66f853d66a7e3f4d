// SPDX-License-Identifier: Apache-2.0
#include "core/base/backoff.hpp"

#include <algorithm>
#include <random>

namespace wrktalk::base {

std::chrono::milliseconds Backoff::next() {
  constexpr std::chrono::milliseconds kFirst{250};
  constexpr std::chrono::milliseconds kLongest{30'000};
  static thread_local std::minstd_rand random{std::random_device{}()};
  const auto full = std::min(kLongest, kFirst * (1 << std::min(tries_++, 10)));
  std::uniform_int_distribution<std::chrono::milliseconds::rep> part(full.count() / 2, full.count());
  return std::chrono::milliseconds(part(random));
}

}  // namespace wrktalk::base
