// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/windows.hpp"

#include <algorithm>

namespace wrktalk::maintenance {

std::vector<WindowRow> to_windows(const db::Result& result) {
  std::vector<WindowRow> windows;
  for (const auto& row : result) {
    WindowRow window;
    window.owner = row["owner"].c_str();
    window.agent_id = row["agent_id"].c_str();
    window.proxy = row["proxy"].c_str();
    window.reason = db::text(row, "reason");
    window.opened_by = row["opened_by"].c_str();
    window.opened_at = row["opened_at"].c_str();
    window.ends_at = db::text(row, "ends_at");
    window.over = row["over"].as<bool>();
    window.noted = row["noted"].as<bool>();
    window.was_shown = row["was_shown"].as<bool>();
    window.abandoned = row["abandoned"].as<bool>();
    window.forgotten = row["forgotten"].as<bool>();
    windows.push_back(std::move(window));
  }
  return windows;
}

bool any_holds(const std::vector<WindowRow>& windows) {
  return std::any_of(windows.begin(), windows.end(), [](const auto& window) { return !window.over; });
}

Place place_of(const WindowRow& window, const std::string& agent_id, const Identity& identity) {
  if (window.agent_id == agent_id) return Place::here;
  if (window.proxy.empty() || window.proxy != identity.text) return Place::elsewhere;
  return identity.unique || window.abandoned ? Place::here : Place::alike;
}

}  // namespace wrktalk::maintenance
