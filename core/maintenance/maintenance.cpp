// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/trust.hpp"
#include "core/log/log.hpp"
#include "core/maintenance/proxy.hpp"
#include "core/maintenance/sql.hpp"
#include "core/maintenance/windows.hpp"

#include <algorithm>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

/// One change of windows at a time.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(hashtext('wrktalk.maintenance'))";
/// Agents look when they are told that there may be a task.
constexpr const char* kWakeAgents = "SELECT pg_notify('wrktalk_task', '') WHERE pg_notification_queue_usage() < 0.8";

/// What a proxy does, with its trouble told from the database's.
template <typename Act>
auto at_proxy(Act act) {
  try {
    return act();
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration && e.kind() != Kind::child) throw;
    throw ProxyError(e);
  }
}

void show(Proxy& proxy, bool on, base::Pulse& pulse) {
  at_proxy([&] { proxy.show(on, pulse); });
}

Identity identity_of(Proxy& proxy, base::Pulse& pulse) {
  return at_proxy([&] { return proxy.identity(pulse); });
}

bool shown_by_hand(Proxy& proxy, base::Pulse& pulse) {
  return at_proxy([&] { return proxy.shown_by_hand(pulse); });
}

std::optional<double> seconds(const std::optional<std::chrono::milliseconds>& duration) {
  if (!duration) return std::nullopt;
  return std::chrono::duration<double>(*duration).count();
}

/// From now on the windows hold no more.
void end(const Sessions& db, const Settings& settings, const std::string& owner,
         const std::optional<std::string>& target) {
  db::Transaction tx(db());
  tx.run(kLock);
  const auto ended = tx.run(sql::end_windows, owner, target, settings.agent_id);
  if (std::any_of(ended.begin(), ended.end(), [](const auto& row) { return row["elsewhere"].template as<bool>(); })) {
    tx.run(kWakeAgents);
  }
  tx.commit();
}

/// Why somebody looks whether something is to be taken down.
enum class Wish {
  what_is_due,
  a_close,   ///< a window was closed just now
  whatever,  ///< the operator wants the site out of maintenance, whoever put it there
};

/// What is to be done about windows that are all over.
struct Plan {
  bool hide = false;              ///< switch the proxy
  bool stays = false;             ///< the proxy was in maintenance before our windows
  std::vector<WindowRow> forget;  ///< nothing of these is shown any more, once the proxy is switched
};

Plan plan_for(const std::vector<WindowRow>& windows, const Settings& settings, const Identity& identity, Wish wish) {
  Plan plan;
  bool here = false;
  bool alike = false;
  for (const auto& window : windows) {
    const Place place = place_of(window, settings.agent_id, identity);
    here = here || place == Place::here;
    alike = alike || place == Place::alike;
    plan.stays = plan.stays || (place == Place::here && window.was_shown && wish != Wish::whatever);
    const bool shown_nowhere = window.was_shown || window.proxy == kNoProxy;
    if (place == Place::here || shown_nowhere || window.forgotten) plan.forget.push_back(window);
  }
  plan.hide = wish == Wish::whatever || (here && !plan.stays) || (alike && wish == Wish::a_close);
  return plan;
}

/// The agent's proxy, with its identity where that is needed. A proxy that does not answer is trouble only for windows of its own.
Identity identity_for(Proxy& proxy, const std::vector<WindowRow>& windows, const Settings& settings, Wish wish,
                      base::Pulse& pulse) {
  try {
    return identity_of(proxy, pulse);
  } catch (const ProxyError&) {
    const bool ours = std::any_of(windows.begin(), windows.end(),
                                  [&](const auto& window) { return window.agent_id == settings.agent_id; });
    if (ours || wish == Wish::whatever) throw;
    return {};
  }
}

/// Forgets what was planned, when still no window holds. Else returns those there are, for whoever has to show them again.
std::vector<WindowRow> record_taken_down(const Sessions& db, const Plan& plan) {
  db::Transaction tx(db());
  tx.run(kLock);
  auto windows = to_windows(tx.run(sql::windows));
  if (any_holds(windows)) return windows;
  // One that was opened and ended meanwhile is for the next look: its opener may have been killed before it took that down.
  for (const auto& window : plan.forget) {
    tx.run("DELETE FROM maintenance_window WHERE owner = $1 AND agent_id = $2 AND opened_at = $3::timestamptz",
           window.owner, window.agent_id, window.opened_at);
  }
  tx.run(sql::note_ends);
  tx.run(
      "UPDATE deployment_config SET maintenance_mode_enabled = false, updated_at = now() WHERE "
      "maintenance_mode_enabled");
  tx.commit();
  return {};
}

struct TakenDown {
  bool out = false;      ///< the site is out of maintenance, as far as this agent can tell
  bool changed = false;  ///< and was not before
};

TakenDown take_down(const Sessions& db, const Settings& settings, Wish wish, base::Pulse& pulse) {
  const auto windows = to_windows(db().run(sql::windows));
  if (any_holds(windows)) return {};
  if (windows.empty() && wish != Wish::whatever) return {true, false};
  const auto proxy = make_proxy(settings);
  const Identity identity = identity_for(*proxy, windows, settings, wish, pulse);
  const Plan plan = plan_for(windows, settings, identity, wish);
  const bool all_noted = std::all_of(windows.begin(), windows.end(), [](const auto& window) { return window.noted; });
  if (plan.forget.empty() && all_noted && wish == Wish::what_is_due) return {true, false};
  if (plan.hide) show(*proxy, false, pulse);
  base::crash_point("maintenance-hidden");
  const auto since = record_taken_down(db, plan);
  if (since.empty()) return {!plan.stays, !plan.stays && !plan.forget.empty()};
  const bool shown_here = std::any_of(since.begin(), since.end(), [&](const auto& window) {
    return !window.over && place_of(window, settings.agent_id, identity) != Place::elsewhere;
  });
  // Opened while we took the last ones down.
  if (plan.hide && shown_here) show(*proxy, true, pulse);
  return {};
}

struct Noted {
  bool held_before = false;  ///< the window was open already
  bool stays = false;        ///< the proxy showed maintenance, and there was no window: it goes on after this one
};

/// Before the proxy: when we are killed in between, the window tells whoever takes over what may be shown.
Noted note_window(const Sessions& db, const Settings& settings, const Opening& opening, const Identity& identity,
                  bool by_hand) {
  db::Transaction tx(db());
  tx.run(kLock);
  tx.run(sql::adopt, kOperator, settings.agent_id);
  Noted noted;
  bool first_here = true;
  bool was_shown = false;
  for (const auto& window : to_windows(tx.run(sql::windows))) {
    noted.held_before =
        noted.held_before || (window.owner == opening.owner && window.agent_id == settings.agent_id && !window.over);
    if (place_of(window, settings.agent_id, identity) != Place::here) continue;
    first_here = false;
    was_shown = was_shown || window.was_shown;
  }
  noted.stays = first_here && by_hand;
  tx.run(sql::open_window, opening.owner, settings.agent_id, opening.target, opening.reason, opening.opened_by,
         seconds(opening.lasts), opening.owner != kOperator && (was_shown || noted.stays));
  tx.run(sql::note_proxy, settings.agent_id, identity.text);
  tx.run(
      "UPDATE deployment_config SET maintenance_mode_enabled = true, updated_at = now() WHERE NOT "
      "coalesce(maintenance_mode_enabled, false)");
  if (opening.lasts) tx.run(kWakeAgents);
  tx.commit();
  return noted;
}

/// A window that cannot be shown is closed again, as far as that goes.
void give_up(const Sessions& db, const Settings& settings, const Opening& opening, base::Pulse& pulse) {
  end(db, settings, opening.owner, std::nullopt);
  try {
    close_due(db, settings, pulse);
  } catch (const ProxyError& e) {
    log::debug("maintenance.not_taken_down", e.what());
  }
}

}  // namespace

void check(const Settings& settings) {
  make_proxy(settings);
  for (const auto* program : {&settings.reload, &settings.on_program, &settings.off_program}) {
    base::require_trusted_program(*program);
  }
}

void open(const Sessions& db, const Settings& settings, const Opening& opening, base::Pulse& pulse) {
  const auto proxy = make_proxy(settings);
  const Identity identity = identity_of(*proxy, pulse);
  const bool by_hand = opening.owner != kOperator && shown_by_hand(*proxy, pulse);
  const Noted noted = note_window(db, settings, opening, identity, by_hand);
  base::crash_point("maintenance-window");
  // What we saw before may have been the end of a window that another agent has taken down since.
  if (noted.stays && !shown_by_hand(*proxy, pulse)) {
    db().run("UPDATE maintenance_window SET was_shown = false WHERE owner = $1 AND agent_id = $2", opening.owner,
             settings.agent_id);
  }
  try {
    show(*proxy, true, pulse);
  } catch (const ProxyError&) {
    if (!noted.held_before) give_up(db, settings, opening, pulse);
    throw;
  }
  // Another agent may have raised the flag file first: then its mark is the one that counts.
  const Identity now = identity_of(*proxy, pulse);
  if (now.text != identity.text) db().run(sql::note_proxy, settings.agent_id, now.text);
}

bool close(const Sessions& db, const Settings& settings, const std::string& owner,
           const std::optional<std::string>& target, base::Pulse& pulse) {
  end(db, settings, owner, target);
  return take_down(db, settings, owner == kOperator ? Wish::whatever : Wish::a_close, pulse).out;
}

bool close_due(const Sessions& db, const Settings& settings, base::Pulse& pulse) {
  return take_down(db, settings, Wish::what_is_due, pulse).changed;
}

bool may_forget(const Settings& settings) { return make_proxy(settings)->may_forget(); }

bool show_again(const Sessions& db, const Settings& settings, base::Pulse& pulse) {
  const auto hold_here = [&](const Identity& identity) {
    const auto windows = to_windows(db().run(sql::windows));
    return std::any_of(windows.begin(), windows.end(), [&](const auto& window) {
      return !window.over && place_of(window, settings.agent_id, identity) == Place::here;
    });
  };
  const auto proxy = make_proxy(settings);
  const Identity identity = identity_of(*proxy, pulse);
  if (!hold_here(identity)) return false;
  if (at_proxy([&] { return proxy->shown(pulse); }) != false) return false;
  // Once more: it may be that the last window was taken down since, here or by another agent.
  if (!hold_here(identity)) return false;
  show(*proxy, true, pulse);
  if (hold_here(identity)) return true;
  show(*proxy, false, pulse);
  return false;
}

}  // namespace wrktalk::maintenance
