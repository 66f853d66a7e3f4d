// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/follow.hpp"
#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/queue/agents.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

struct StatusOptions {
  int tasks = 5;
  bool no_look = false;
};

/// An agent that has not been seen for so long, and did not sign out, is told to the admins.
constexpr double kSilentSeconds = 600;

/// A look at a target takes no longer than this, whatever its tools do.
constexpr std::chrono::seconds kLook{10};

class LookPulse : public SignalPulse {
 public:
  explicit LookPulse(exec::Signals& signals) : SignalPulse(signals), until_(base::Deadline::in(kLook)) {}
  base::Deadline watch(std::vector<pollfd>& fds) override { return base::sooner(SignalPulse::watch(fds), until_); }
  void tick() override {
    SignalPulse::tick();
    if (until_.passed()) throw base::Error(base::Kind::child, "no answer within " + base::human_duration(kLook));
  }

 private:
  base::Deadline until_;
};

/// What a look at the target itself has found.
struct Found {
  std::string detail;   ///< empty: not looked at
  std::string differs;  ///< what runs there instead of what is recorded; empty when that cannot be told or agrees
  std::optional<std::string> not_stored{};  ///< the version that runs, when the database has no such release
};

std::string difference(const queue::TargetRow& row, const deploy::Observed& seen) {
  using State = deploy::Observed::State;
  if (seen.state == State::absent) return row.current_version ? "nothing" : "";
  if (seen.state != State::running || !seen.version) return {};
  if (seen.version != row.current_version) return *seen.version;
  if (seen.revision && row.revision && seen.revision != row.revision) {
    return "revision " + std::to_string(*seen.revision);
  }
  return {};
}

/// As far as this machine can see it.
Found look(Env& env, const agent::Settings& settings, db::Session& db, const queue::TargetRow& row) {
  const auto target = std::find_if(settings.targets.begin(), settings.targets.end(),
                                   [&](const auto& ours) { return ours.name == row.name; });
  if (target == settings.targets.end()) return {};
  try {
    exec::Fence fence;
    LookPulse pulse(env.signals);
    const auto seen = deploy::make_deployer(*target, settings.deploy, {"status"}, fence)->observe(pulse);
    Found found{seen.detail, difference(row, seen)};
    if (!found.differs.empty() && seen.version && !queue::artifact_of_version(db, row.chart_type, *seen.version))
      found.not_stored = seen.version;
    return found;
  } catch (const base::Error& e) {
    if (e.kind() == base::Kind::interrupted || e.kind() == base::Kind::terminated) throw;
    return {std::string("cannot look: ") + e.what(), {}};
  }
}

struct Report {
  std::vector<queue::TargetRow> targets;
  std::vector<Found> found;  ///< for each target
  std::vector<queue::AgentRow> agents;
  std::vector<queue::Task> running;
  std::vector<queue::Task> next;
  std::vector<queue::Task> last;
  maintenance::State maintenance;
  std::vector<std::string> disagreements;  ///< about it
  std::string time_zone;                   ///< of all times
};

bool is_silent(const queue::AgentRow& agent) { return agent.silent_seconds > kSilentSeconds; }

/// A task that has applied its release and has not recorded it yet is not somebody else.
void leave_to_tasks(Report& report) {
  for (std::size_t i = 0; i < report.targets.size(); ++i) {
    auto& found = report.found[i];
    for (const auto& task : report.running) {
      if (task.target != report.targets[i].name || found.differs.empty() || task.version != found.differs) continue;
      found.differs.clear();
      found.detail += "; task " + task.id.substr(0, 8) + " is at work";
    }
  }
}

/// Of a task that failed, the step that it had reached.
std::string phase_of(const queue::Task& task) {
  const bool failed = queue::parse_status(task.status) == queue::Status::failed;
  return (failed && task.reached ? task.reached : task.phase).value_or("-");
}

ordered_json or_null(const std::optional<std::string>& text) { return text ? ordered_json(*text) : ordered_json(); }

ordered_json or_null(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

ordered_json array_of(const std::vector<queue::Task>& tasks) {
  ordered_json out = ordered_json::array();
  for (const auto& task : tasks) out.push_back(to_json(task));
  return out;
}

void print_report_json(const Report& report) {
  ordered_json out;
  out["targets"] = ordered_json::array();
  for (std::size_t i = 0; i < report.targets.size(); ++i) {
    const auto& target = report.targets[i];
    out["targets"].push_back({{"name", target.name},
                              {"kind", target.kind},
                              {"default", target.is_default},
                              {"current", or_null(target.current_version)},
                              {"previous", or_null(target.previous_version)},
                              {"revision", target.revision ? ordered_json(*target.revision) : ordered_json()},
                              {"since", or_null(target.applied_at)},
                              {"found", or_null(report.found[i].detail)},
                              {"differs", or_null(report.found[i].differs)},
                              {"older_than_what_runs", report.found[i].not_stored.has_value()}});
  }
  out["agents"] = ordered_json::array();
  for (const auto& agent : report.agents) {
    out["agents"].push_back({{"id", agent.agent_id},
                             {"version", agent.version},
                             {"targets", agent.targets},
                             {"started_at", agent.started_at},
                             {"last_seen", agent.last_seen},
                             {"silent", is_silent(agent)}});
  }
  out["maintenance"] = report.maintenance.held() || report.maintenance.enabled;
  out["maintenance_disagreements"] = report.disagreements;
  out["running"] = array_of(report.running);
  out["next"] = array_of(report.next);
  out["time_zone"] = report.time_zone;
  out["last"] = array_of(report.last);
  print_json(out);
}

void print_tasks(const char* title, const std::vector<queue::Task>& tasks) {
  if (tasks.empty()) return;
  std::cout << '\n' << title << '\n';
  Table table({"TASK", "TYPE", "VERSION", "TARGET", "STATUS", "PHASE", "WHEN"});
  for (const auto& task : tasks) {
    table.add({task.id.substr(0, 8), task.type, task.version.value_or("-"), task.target.value_or("(default)"),
               task.status, phase_of(task), task.completed_at ? task.completed_at->substr(0, 19) : begins(task)});
  }
  std::cout << table.text();
}

void print_report(const Report& report) {
  if (report.targets.empty()) {
    std::cout << "no target is known yet: start `wrktalk poll --loop` at one\n";
  } else {
    Table table({"TARGET", "CURRENT", "REVISION", "SINCE", "PREVIOUS", "FOUND"});
    for (std::size_t i = 0; i < report.targets.size(); ++i) {
      const auto& target = report.targets[i];
      table.add({target.name, target.current_version.value_or("-"),
                 target.revision ? std::to_string(*target.revision) : "-",
                 target.applied_at.value_or("-").substr(0, 19), target.previous_version.value_or("-"),
                 report.found[i].detail.empty() ? "-" : report.found[i].detail});
    }
    std::cout << table.text();
    for (std::size_t i = 0; i < report.targets.size(); ++i) {
      if (report.found[i].differs.empty()) continue;
      std::cout << "\nCHANGED BY OTHERS " << report.targets[i].name << ": "
                << report.targets[i].current_version.value_or("nothing") << " is recorded, " << report.found[i].differs
                << " runs; the next task there corrects the record\n";
      if (const auto& version = report.found[i].not_stored) {
        std::cout
            << "OLDER THAN WHAT RUNS: no release " << *version
            << " is stored here; this database was restored (docs/restore.md), or somebody put it there by hand\n";
      }
    }
  }
  for (const auto& window : report.maintenance.windows) {
    if (window.over) continue;
    std::cout << "\nMAINTENANCE since " << window.opened_at.substr(0, 19) << ", held by " << window.owner
              << (window.reason ? ": " + *window.reason : "") << '\n';
  }
  for (const auto& sentence : report.disagreements) std::cout << "\nMAINTENANCE: " << sentence << '\n';
  print_tasks("RUNNING", report.running);
  print_tasks("NEXT", report.next);
  print_tasks("LAST", report.last);
  std::cout << "\ntimes are of the zone " << report.time_zone << '\n';
  if (report.agents.empty()) {
    std::cout << "\nno agent was seen within a day\n";
    return;
  }
  std::cout << "\nAGENTS\n";
  Table table({"AGENT", "VERSION", "LAST SEEN", "TARGETS"});
  for (const auto& agent : report.agents) {
    const auto silent = std::chrono::milliseconds(static_cast<long>(std::max(0.0, agent.silent_seconds) * 1000));
    table.add({agent.agent_id, agent.version,
               base::human_duration(silent) + (is_silent(agent) ? " ago: SILENT" : " ago"),
               base::join(agent.targets, ",")});
  }
  std::cout << table.text();
}

ExitCode run_status(const StatusOptions& options, Env& env) {
  const auto settings =
      agent::ready(env.settings.agent, agent_database(env, "status"), checkpoint_database(env, "status"));
  db::Session db(settings.database);
  queue::require_schema(db);
  Report report;
  report.targets = queue::targets(db);
  report.agents = queue::agents(db);
  report.running = queue::list(db, {"inProgress", std::nullopt, 100});
  report.next = queue::upcoming(db, options.tasks);
  for (auto& task : queue::list(db, {std::nullopt, std::nullopt, 10 * options.tasks})) {
    if (exit_code_of(task) && report.last.size() < static_cast<std::size_t>(options.tasks)) report.last.push_back(task);
  }
  LookPulse pulse(env.signals);
  auto site = settings.maintenance;
  if (options.no_look) site.probe.clear();
  report.maintenance = maintenance::state([&]() -> db::Session& { return db; }, site, pulse);
  report.disagreements = maintenance::disagreements(report.maintenance);
  for (const auto& target : report.targets)
    report.found.push_back(options.no_look ? Found{} : look(env, settings, db, target));
  leave_to_tasks(report);
  report.time_zone = db.run("SELECT current_setting('TimeZone') AS zone")[0]["zone"].c_str();
  env.output == Output::json ? print_report_json(report) : print_report(report);
  return ExitCode::done;
}

}  // namespace

void add_status(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<StatusOptions>();
  auto* sub = app.add_subcommand("status", "What runs where, what is next, and the last tasks")->group("Releases");
  sub->add_option("--tasks", options->tasks, "This many tasks of each list")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  sub->add_flag("--no-look", options->no_look, "Believe the database: do not look at the target itself");
  sub->footer(footer({"wrktalk status", "wrktalk status -o json"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] { chosen = {"status", [options](Env& env) { return run_status(*options, env); }}; });
}

}  // namespace wrktalk::cmd
