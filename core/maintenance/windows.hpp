// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"
#include "core/maintenance/proxy.hpp"

#include <optional>
#include <string>
#include <vector>

/// The rows of maintenance_window, and what they mean for the agent that looks at them.
namespace wrktalk::maintenance {

struct WindowRow {
  std::string owner;
  std::string agent_id;
  std::string proxy;  ///< Identity::text of the proxy that shows it
  std::optional<std::string> reason;
  std::string opened_by;
  std::string opened_at;
  std::optional<std::string> ends_at;  ///< when it is closed, its time is up, or its task has ended
  bool over = false;                   ///< that has passed
  bool noted = false;                  ///< expires_at says so
  bool was_shown = false;              ///< the proxy was in maintenance before, and stays so
  bool abandoned = false;              ///< its agent has not been seen for ten minutes
  bool forgotten = false;              ///< over for seven days
};

std::vector<WindowRow> to_windows(const db::Result& result);

/// Whether any holds the site in maintenance.
bool any_holds(const std::vector<WindowRow>& windows);

/// Whether this agent's proxy shows a window.
enum class Place {
  here,       ///< it does
  alike,      ///< it may: a proxy with that name shows it, and a live agent of another machine looks after that
  elsewhere,  ///< another proxy shows it
};
Place place_of(const WindowRow& window, const std::string& agent_id, const Identity& identity);

}  // namespace wrktalk::maintenance
