// SPDX-License-Identifier: Apache-2.0
#include "core/observe/status.hpp"

#include <algorithm>

namespace wrktalk::observe {
namespace {

constexpr const char* kTypes[] = {"deploy", "rollback"};
constexpr const char* kResults[] = {"completed", "failed",   "put_back", "not_put_back",
                                    "cancelled", "released", "lost",     "abandoned"};

}  // namespace

void Histogram::add(std::chrono::nanoseconds duration) noexcept {
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto* bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
  sum_seconds += seconds;
}

void Status::count_task(const std::string& type, const std::string& result) {
  const bool known = std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
  ++tasks[{known ? type : "other", result}];
}

void Status::database_is_away() noexcept {
  if (away_since) return;
  away_since = base::BootClock::now();
  queue.reset();
}

Status new_status(std::string agent_id) {
  Status status;
  status.agent_id = std::move(agent_id);
  status.ticked_at = base::BootClock::now();
  status.away_since = status.ticked_at;
  for (const char* type : kTypes) {
    for (const char* result : kResults) status.tasks[{type, result}] = 0;
  }
  return status;
}

}  // namespace wrktalk::observe
