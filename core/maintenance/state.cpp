// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/maintenance/maintenance.hpp"
#include "core/maintenance/proxy.hpp"
#include "core/maintenance/sql.hpp"
#include "core/maintenance/windows.hpp"

#include <algorithm>

namespace wrktalk::maintenance {

using base::Error;
using base::Kind;

namespace {

State look(const Sessions& db, const Settings& settings, base::Pulse& pulse) {
  State state;
  Identity identity;
  const auto proxy = make_proxy(settings);
  state.proxy = proxy->name();
  try {
    state.shown = proxy->shown(pulse);
    identity = proxy->identity(pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration && e.kind() != Kind::child) throw;
    state.trouble = e.what();
  }
  const auto config = db().run("SELECT bool_or(coalesce(maintenance_mode_enabled, false)) FROM deployment_config")[0];
  state.configured = !config[0].is_null();
  state.enabled = state.configured && config[0].as<bool>();
  for (const auto& row : to_windows(db().run(sql::windows))) {
    state.windows.push_back({row.owner, row.agent_id, row.reason, row.opened_by, row.opened_at, row.ends_at, row.over,
                             place_of(row, settings.agent_id, identity) == Place::here});
  }
  state.site = settings.probe;
  return state;
}

}  // namespace

State state(const Sessions& db, const Settings& settings, base::Pulse& pulse) {
  State state = look(db, settings, pulse);
  if (!state.site.empty()) state.answer = ask_site(state.site, pulse);
  return state;
}

State settled_state(const Sessions& db, const Settings& settings, base::Pulse& pulse) {
  State state = look(db, settings, pulse);
  if (!state.site.empty()) state.answer = await_site(state.site, state.held(), pulse);
  return state;
}

std::optional<std::string> site_disagreement(const State& state) {
  if (state.site.empty()) return std::nullopt;
  const auto& answer = state.answer;
  if (answer.status == 0) return "the site cannot be asked: " + answer.trouble;
  if (answer.in_maintenance() == state.held()) return std::nullopt;
  return "the site answers " + std::to_string(answer.status) + " at " + state.site +
         (state.held() ? ", not 503, although a window is open" : ", although no window is open");
}

bool State::held() const noexcept {
  return std::any_of(windows.begin(), windows.end(), [](const Window& window) { return !window.over; });
}

std::vector<std::string> disagreements(const State& state) {
  std::vector<std::string> out;
  const bool held = state.held();
  const auto any = [&](bool over) {
    return std::any_of(state.windows.begin(), state.windows.end(),
                       [&](const Window& window) { return window.here && window.over == over; });
  };
  if (state.enabled && state.windows.empty()) {
    out.emplace_back("deployment_config says that maintenance is on, but no window is open");
  }
  if (state.configured && !state.enabled && held) {
    out.emplace_back("deployment_config says that maintenance is off, but a window is open");
  }
  if (auto site = site_disagreement(state)) out.push_back(std::move(*site));
  if (!state.trouble.empty()) out.push_back("the proxy cannot be asked: " + state.trouble);
  if (state.shown == false && any(false)) out.push_back(state.proxy + " does not show the window that is open here");
  if (state.shown == true && !held && !any(true)) {
    out.push_back(state.proxy + " shows maintenance, but no window is open");
  }
  for (const auto& window : state.windows) {
    if (!window.over || held) continue;
    const std::string what = "the window of " + window.owner + " on " + window.agent_id + " is over, but ";
    if (!window.here || !state.shown) {
      out.push_back(what + "its proxy may show it until an agent looks there");
    } else if (*state.shown) {
      out.push_back(what + state.proxy + " shows it until an agent looks there");
    }
  }
  return out;
}

}  // namespace wrktalk::maintenance
