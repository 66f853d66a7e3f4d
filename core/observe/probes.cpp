// SPDX-License-Identifier: Apache-2.0
#include "core/observe/probes.hpp"

#include "core/base/text.hpp"

namespace wrktalk::observe {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int kUnavailable = 503;

}  // namespace

std::string late_tick(base::BootClock::duration age, milliseconds allowed) {
  if (age <= allowed) return {};
  return "the loop's last tick was " + base::human_duration(duration_cast<milliseconds>(age)) + " ago, allowed are " +
         base::human_duration(allowed);
}

Answer livez(const Status& status, base::BootClock::time_point now) {
  const std::string late = late_tick(now - status.ticked_at, kLongestSilence);
  return late.empty() ? Answer{200, "ok\n"} : Answer{kUnavailable, late + "\n"};
}

Answer readyz(const Status& status, base::BootClock::time_point now) {
  if (status.is_ready()) return {200, "ok\n"};
  std::string body;
  if (status.ending) body += "ending: no new task is taken\n";
  if (status.away_since) {
    const auto away = duration_cast<milliseconds>(now - *status.away_since);
    body += "database: no answer for " + base::human_duration(away) + ", the log says why\n";
  }
  for (const auto& what : status.missing) body += what + "\n";
  return {kUnavailable, body};
}

}  // namespace wrktalk::observe
