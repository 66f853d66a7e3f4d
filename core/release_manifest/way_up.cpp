// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/way_up.hpp"

#include <algorithm>
#include <cstddef>

namespace wrktalk::release_manifest {
namespace {

constexpr std::size_t kNoWay = static_cast<std::size_t>(-1);

bool takes(const Stop& stop, const std::string& version) { return !stop.from || stop.from->holds(version); }

/// What lies between, and the goal; the newest first.
std::vector<Stop> between(const std::string& running, const Stop& goal, const std::vector<Stop>& stored) {
  std::vector<Stop> out = {goal};
  for (const auto& stop : stored) {
    if (is_ordered(stop.version) && compare_versions(running, stop.version) < 0 &&
        compare_versions(stop.version, goal.version) < 0)
      out.push_back(stop);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Stop& a, const Stop& b) { return compare_versions(a.version, b.version) > 0; });
  return out;
}

}  // namespace

std::vector<std::string> way_up(const std::string& running, const Stop& goal, const std::vector<Stop>& stored) {
  const auto stops = between(running, goal, stored);
  // For each stop, from the newest down: how many deployments it is to the goal, and by which one next.
  std::vector<std::size_t> far(stops.size(), kNoWay);
  std::vector<std::size_t> next(stops.size(), 0);
  far[0] = 0;
  const auto best_after = [&](const std::string& version, std::size_t end) {
    std::size_t best = kNoWay;
    for (std::size_t i = 0; i < end; ++i) {
      const bool is_nearer = far[i] != kNoWay && (best == kNoWay || far[i] < far[best]);
      if (is_nearer && compare_versions(version, stops[i].version) < 0 && takes(stops[i], version)) best = i;
    }
    return best;
  };
  for (std::size_t i = 1; i < stops.size(); ++i) {
    const std::size_t best = best_after(stops[i].version, i);
    if (best == kNoWay) continue;
    next[i] = best;
    far[i] = far[best] + 1;
  }
  std::vector<std::string> way;
  for (std::size_t at = best_after(running, stops.size()); at != kNoWay; at = next[at]) {
    way.push_back(stops[at].version);
    if (at == 0) return way;
  }
  return {};
}

std::string where_it_ends(const std::string& running, const Stop& goal, const std::vector<Stop>& stored) {
  const auto stops = between(running, goal, stored);
  std::string text;
  const Stop* at = &goal;
  for (;;) {
    text += at->version + " takes " + (at->from ? at->from->text() : "anything") + ", and ";
    const auto fitting = std::find_if(stops.begin(), stops.end(), [&](const Stop& stop) {
      return compare_versions(stop.version, at->version) < 0 && takes(*at, stop.version);
    });
    if (fitting == stops.end())
      return text + "no stored release between " + running + " and " + at->version + " fits that";
    at = &*fitting;
  }
}

}  // namespace wrktalk::release_manifest
