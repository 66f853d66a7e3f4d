// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/session.hpp"
#include "core/maintenance/settings.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Who holds the site in maintenance, and the proxy that shows it. The site is in maintenance while any window (maintenance_window) holds;
/// `deployment_config.maintenance_mode_enabled` mirrors that for v4.2. A window is a row for each machine whose proxy shows it: a machine can
/// switch no proxy but its own, so one that is closed from elsewhere is over from then on and taken down by its machine (`close_due`).
///
/// What switches or asks a proxy throws what Proxy throws, besides the database's errors.
namespace wrktalk::maintenance {

constexpr const char* kOperator = "operator";

/// Throws Error(configuration) for settings that cannot work. Switches nothing, asks nobody.
void check(const Settings& settings);

struct Opening {
  std::string owner;                  ///< kOperator, or a task's id
  std::optional<std::string> target;  ///< what the task changes
  std::string reason;                 ///< may be empty
  std::string opened_by;
  std::optional<std::chrono::milliseconds> lasts;  ///< then it is over by itself
};

/// Opens the window and shows it at this machine's proxy; again is fine, with the newer reason and end. When the proxy refuses, a window that
/// was not there before is closed again. A mode that was switched on in deployment_config by somebody else counts as the operator's; a proxy
/// that showed maintenance before without any window goes on showing it after a task's.
void open(db::Session& db, const Settings& settings, const Opening& opening, base::Pulse& pulse);

/// Ends `owner`'s windows, and with a target those of all tasks on it; the site leaves maintenance when no other holds. True when it is out
/// of maintenance now. Windows that are not there are fine; the operator's `close` takes down also what the proxy shows without one. When the
/// proxy refuses, the windows are over nevertheless, and `close_due` tries again.
bool close(db::Session& db, const Settings& settings, const std::string& owner,
           const std::optional<std::string>& target, base::Pulse& pulse);

/// Takes down at this machine's proxy what is over. True when the site is out of maintenance.
bool close_due(db::Session& db, const Settings& settings, base::Pulse& pulse);

/// SQL for a look at the queue: seconds until `close_due` has something to do for the agent `agent_id` (an expression of type text), below
/// zero when it has already, null when it has nothing.
std::string seconds_until_due(const std::string& agent_id);

/// SQL: 1 when any window holds or deployment_config says that maintenance is on, else 0.
extern const char* const kIsOn;

struct Window {
  std::string owner;
  std::string agent_id;  ///< the machine whose proxy shows it
  std::optional<std::string> reason;
  std::string opened_by;
  std::string opened_at;
  std::optional<std::string> expires_at;
  bool over = false;  ///< holds no more, and waits to be taken down
};

struct State {
  bool enabled = false;     ///< deployment_config says so
  bool configured = false;  ///< deployment_config has a row to say it in: no agent has run yet when it has none
  std::vector<Window> windows;
  std::string proxy;          ///< this machine's, by name
  std::optional<bool> shown;  ///< whether it shows maintenance; nothing when it cannot be asked
  std::string trouble;        ///< why it did not answer

  bool held() const noexcept;
};

State state(db::Session& db, const Settings& settings, base::Pulse& pulse);

/// Where deployment_config, windows and this machine's proxy do not agree: a sentence each.
std::vector<std::string> disagreements(const State& state, const std::string& agent_id);

}  // namespace wrktalk::maintenance
