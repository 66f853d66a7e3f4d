// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/db/session.hpp"
#include "core/maintenance/probe.hpp"
#include "core/maintenance/settings.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Who holds the site in maintenance, and the proxy that shows it. The site is in maintenance while any window (maintenance_window) holds;
/// `deployment_config.maintenance_mode_enabled` mirrors that for v4.2. A window is a row for each agent that shows it, and names the proxy.
/// One that is over is taken down by any agent whose own proxy is that one, else waits for the agent that opened it. A task's window is over
/// with the task, unless the target could not be put back.
///
/// Each verb decides in a short transaction, switches the proxy outside any, and records in another: no lock is held while a program runs.
/// Killed anywhere, a row is left that makes the next look finish the work. What switches or asks a proxy throws ProxyError; the
/// database's errors (connection_lost, SqlError, which may be of kind configuration, too) pass through. The same call can be made again after
/// any of them.
namespace wrktalk::maintenance {

/// The session for the next statements, asked for each time: one that was lost while a proxy was switched may have been replaced.
using Sessions = std::function<db::Session&()>;

/// A proxy that cannot be switched or asked: of kind configuration or child, as Proxy says.
class ProxyError : public base::Error {
 public:
  explicit ProxyError(const base::Error& e) : base::Error(e.kind(), e.what(), e.hint()) {}
};

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

/// Opens the window and shows it at this agent's proxy; again is fine, with the newer reason and end. When the proxy refuses, a window that
/// was not there before is closed again. A mode that was switched on in deployment_config by somebody else counts as the operator's; a proxy
/// that showed maintenance before without any window goes on showing it after a task's.
void open(const Sessions& db, const Settings& settings, const Opening& opening, base::Pulse& pulse);

/// Ends `owner`'s windows, and with a target those of all tasks on it; the site leaves maintenance when no other holds. True when it is out
/// of maintenance now. Windows that are not there are fine; the operator's `close` takes down also what the proxy shows without one. When the
/// proxy refuses, the windows are over nevertheless, and `close_due` tries again. When the database refuses or is lost, nothing says that
/// they are over: call it again until it returns, or end the task, which ends them too.
bool close(const Sessions& db, const Settings& settings, const std::string& owner,
           const std::optional<std::string>& target, base::Pulse& pulse);

/// Takes down at this agent's proxy what is over. True when it took something down and the site is out of maintenance.
bool close_due(const Sessions& db, const Settings& settings, base::Pulse& pulse);

/// Whether this agent's proxy may forget what it shows: haproxy does, when it is reloaded.
bool may_forget(const Settings& settings);
/// Has this agent's proxy show the windows again that hold there, when it has forgotten them. True when it had.
bool show_again(const Sessions& db, const Settings& settings, base::Pulse& pulse);

struct Window {
  std::string owner;
  std::string agent_id;  ///< who opened it
  std::optional<std::string> reason;
  std::string opened_by;
  std::string opened_at;
  std::optional<std::string> ends_at;
  bool over = false;  ///< holds no more, and waits to be taken down
  bool here = false;  ///< this agent's proxy shows it
};

struct State {
  bool enabled = false;     ///< deployment_config says so
  bool configured = false;  ///< deployment_config has a row to say it in: no agent has run yet when it has none
  std::vector<Window> windows;
  std::string proxy;          ///< this agent's, by name
  std::optional<bool> shown;  ///< whether it shows maintenance; nothing when it cannot be asked
  std::string trouble;        ///< why it did not answer
  std::string site;           ///< the address that was asked; empty: none
  SiteAnswer answer;          ///< what it answered

  bool held() const noexcept;
};

State state(const Sessions& db, const Settings& settings, base::Pulse& pulse);
/// The same, once the site has had time to answer as it should.
State settled_state(const Sessions& db, const Settings& settings, base::Pulse& pulse);

/// What the site does that it should not, or why it cannot be told; nothing when it is not asked.
std::optional<std::string> site_disagreement(const State& state);

/// Where deployment_config, windows and this agent's proxy do not agree: a sentence each.
std::vector<std::string> disagreements(const State& state);

}  // namespace wrktalk::maintenance
