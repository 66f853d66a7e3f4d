// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/maintenance/proxy.hpp"

#include <algorithm>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

/// One change of windows at a time.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(hashtext('wrktalk.maintenance'))";
constexpr const char* kHolds = "(expires_at IS NULL OR expires_at > now())";
/// Agents look when they are told that there may be a task.
constexpr const char* kWakeAgents = "SELECT pg_notify('wrktalk_task', '')";

bool is_proxy_trouble(const Error& e) { return e.kind() == Kind::configuration || e.kind() == Kind::child; }

/// Whether the proxy was in maintenance before the first of our windows, and is to stay so.
bool was_shown(db::Transaction& tx, const Settings& settings, Proxy& proxy, base::Pulse& pulse) {
  const auto row =
      tx.run("SELECT bool_or(was_shown) FROM maintenance_window WHERE agent_id = $1", settings.agent_id)[0];
  return row[0].is_null() ? proxy.shown(pulse).value_or(false) : row[0].as<bool>();
}

std::optional<double> seconds(const std::optional<std::chrono::milliseconds>& duration) {
  if (!duration) return std::nullopt;
  return std::chrono::duration<double>(*duration).count();
}

/// From now on the windows hold no more.
void end(db::Session& db, const Settings& settings, const std::string& owner,
         const std::optional<std::string>& target) {
  db::Transaction tx(db);
  tx.run(kLock);
  const auto ended =
      tx.run(std::string("UPDATE maintenance_window SET expires_at = now() WHERE (owner = $1 OR target = "
                         "$2) AND ") +
                 kHolds + " RETURNING agent_id <> $3 AS elsewhere",
             owner, target, settings.agent_id);
  if (std::any_of(ended.begin(), ended.end(), [](const auto& row) { return row["elsewhere"].template as<bool>(); })) {
    tx.run(kWakeAgents);
  }
  tx.commit();
}

/// `whatever`: also what the proxy shows without a window of ours.
bool take_down(db::Session& db, const Settings& settings, bool whatever, base::Pulse& pulse) {
  const auto proxy = make_proxy(settings);
  db::Transaction tx(db);
  tx.run(kLock);
  const auto row = tx.run(std::string("SELECT bool_or(") + kHolds +
                              ") AS held, bool_or(was_shown) FILTER (WHERE agent_id = $1) AS was_shown FROM "
                              "maintenance_window",
                          settings.agent_id)[0];
  if (!row["held"].is_null() && row["held"].as<bool>()) return false;
  const bool ours = !row["was_shown"].is_null();
  const bool stays = ours && row["was_shown"].as<bool>() && !whatever;
  if ((ours && !stays) || whatever) proxy->show(false, pulse);
  base::crash_point("maintenance-hidden");
  // A machine that never came back is forgotten after a while.
  tx.run("DELETE FROM maintenance_window WHERE agent_id = $1 OR expires_at < now() - interval '7 days'",
         settings.agent_id);
  tx.run(
      "UPDATE deployment_config SET maintenance_mode_enabled = false, updated_at = now() WHERE "
      "maintenance_mode_enabled");
  // Last: killed before, the window is still there to be closed again.
  tx.commit();
  return !stays;
}

}  // namespace

void check(const Settings& settings) { make_proxy(settings); }

void open(db::Session& db, const Settings& settings, const Opening& opening, base::Pulse& pulse) {
  const auto proxy = make_proxy(settings);
  db::Transaction tx(db);
  tx.run(kLock);
  tx.run(
      "INSERT INTO maintenance_window (owner, agent_id, reason, opened_by) SELECT $1, $2, 'switched on in "
      "deployment_config', 'v4.2' WHERE NOT EXISTS (SELECT FROM maintenance_window) "
      "AND EXISTS (SELECT FROM deployment_config WHERE maintenance_mode_enabled)",
      kOperator, settings.agent_id);
  const bool stays = opening.owner != kOperator && was_shown(tx, settings, *proxy, pulse);
  const bool held_before =
      !tx.run(std::string("SELECT FROM maintenance_window WHERE owner = $1 AND agent_id = $2 AND ") + kHolds,
              opening.owner, settings.agent_id)
           .empty();
  tx.run(
      "INSERT INTO maintenance_window AS w (owner, agent_id, target, reason, opened_by, expires_at, was_shown) "
      "VALUES ($1, $2, $3, nullif($4, ''), $5, now() + make_interval(secs => $6), $7) "
      "ON CONFLICT (owner, agent_id) DO UPDATE SET reason = coalesce(excluded.reason, w.reason), expires_at = "
      "excluded.expires_at, opened_at = CASE WHEN w.expires_at <= now() THEN now() ELSE w.opened_at END",
      opening.owner, settings.agent_id, opening.target, opening.reason, opening.opened_by, seconds(opening.lasts),
      stays);
  tx.run(
      "UPDATE deployment_config SET maintenance_mode_enabled = true, updated_at = now() WHERE NOT "
      "coalesce(maintenance_mode_enabled, false)");
  if (opening.lasts) tx.run(kWakeAgents);
  // Before the proxy: when we are killed in between, the window tells whoever takes over what may be shown.
  tx.commit();
  base::crash_point("maintenance-window");
  try {
    proxy->show(true, pulse);
  } catch (const Error& e) {
    if (!is_proxy_trouble(e)) throw;
    if (!held_before) {
      end(db, settings, opening.owner, std::nullopt);
      try {
        close_due(db, settings, pulse);
      } catch (const Error& again) {
        if (!is_proxy_trouble(again)) throw;
      }
    }
    throw;
  }
}

bool close(db::Session& db, const Settings& settings, const std::string& owner,
           const std::optional<std::string>& target, base::Pulse& pulse) {
  end(db, settings, owner, target);
  return take_down(db, settings, owner == kOperator, pulse);
}

bool close_due(db::Session& db, const Settings& settings, base::Pulse& pulse) {
  return take_down(db, settings, false, pulse);
}

std::string seconds_until_due(const std::string& agent_id) {
  return "(SELECT extract(epoch FROM max(expires_at) - clock_timestamp()) FROM maintenance_window HAVING "
         "bool_or(agent_id = " +
         agent_id + ") AND bool_and(expires_at IS NOT NULL))";
}

const char* const kIsOn =
    "(SELECT CASE WHEN EXISTS (SELECT FROM maintenance_window WHERE expires_at IS NULL OR expires_at > now()) "
    "OR EXISTS (SELECT FROM deployment_config WHERE maintenance_mode_enabled) THEN 1 ELSE 0 END)";

State state(db::Session& db, const Settings& settings, base::Pulse& pulse) {
  State state;
  const auto proxy = make_proxy(settings);
  state.proxy = proxy->name();
  try {
    state.shown = proxy->shown(pulse);
  } catch (const Error& e) {
    if (!is_proxy_trouble(e)) throw;
    state.trouble = e.what();
  }
  const auto config = db.run("SELECT bool_or(coalesce(maintenance_mode_enabled, false)) FROM deployment_config")[0];
  state.configured = !config[0].is_null();
  state.enabled = state.configured && config[0].as<bool>();
  for (const auto& row : db.run(std::string("SELECT owner, agent_id, reason, opened_by, opened_at, expires_at, NOT ") +
                                kHolds + " AS over FROM maintenance_window ORDER BY opened_at, agent_id")) {
    state.windows.push_back({row["owner"].c_str(), row["agent_id"].c_str(), db::text(row, "reason"),
                             row["opened_by"].c_str(), row["opened_at"].c_str(), db::text(row, "expires_at"),
                             row["over"].as<bool>()});
  }
  return state;
}

bool State::held() const noexcept {
  return std::any_of(windows.begin(), windows.end(), [](const Window& window) { return !window.over; });
}

std::vector<std::string> disagreements(const State& state, const std::string& agent_id) {
  std::vector<std::string> out;
  const bool held = state.held();
  const bool held_here = std::any_of(state.windows.begin(), state.windows.end(),
                                     [&](const Window& window) { return !window.over && window.agent_id == agent_id; });
  if (state.enabled && state.windows.empty()) {
    out.emplace_back("deployment_config says that maintenance is on, but no window is open");
  }
  if (state.configured && !state.enabled && held)
    out.emplace_back("deployment_config says that maintenance is off, but a window is open");
  if (!state.trouble.empty()) out.push_back("the proxy cannot be asked: " + state.trouble);
  if (state.shown == false && held_here) out.push_back(state.proxy + " does not show the window that is open here");
  if (state.shown == true && state.windows.empty()) {
    out.push_back(state.proxy + " shows maintenance, but no window is open");
  }
  for (const auto& window : state.windows) {
    if (window.over && !held) {
      out.push_back("the window of " + window.owner + " on " + window.agent_id +
                    " is over, but its proxy may show it until an agent looks there");
    }
  }
  return out;
}

}  // namespace wrktalk::maintenance
