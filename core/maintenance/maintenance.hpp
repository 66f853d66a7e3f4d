// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <optional>
#include <string>
#include <vector>

/// Who holds the site in maintenance, and the proxy that shows it. The site is in maintenance while there is any window
/// (maintenance_window); `deployment_config.maintenance_mode_enabled` mirrors that for v4.2.
namespace wrktalk::maintenance {

constexpr const char* kOperator = "operator";

struct Settings {
  /// The file whose presence makes nginx or haproxy answer 503, as in v4.2; empty: no proxy.
  std::string flag_file = "/tmp/maintenance-mode";
};

struct Window {
  std::string owner;  ///< kOperator, or a task's id
  std::optional<std::string> reason;
  std::string opened_by;
  std::string opened_at;
};

struct State {
  bool enabled = false;  ///< deployment_config says so
  bool flag = false;     ///< the flag file is there, on this machine
  std::vector<Window> windows;
};

/// Opens `owner`'s window and shows it at the proxy; again is fine. A mode that was switched on in deployment_config by somebody else
/// counts as the operator's. Throws Error(configuration) when the flag file cannot be made.
void open(db::Session& db, const Settings& settings, const std::string& owner, const std::string& reason,
          const std::string& opened_by);

/// Closes `owner`'s window; the site leaves maintenance when it was the last one. True when it is out of maintenance now. A window
/// that is not there is fine.
bool close(db::Session& db, const Settings& settings, const std::string& owner);

State state(db::Session& db, const Settings& settings);

}  // namespace wrktalk::maintenance
