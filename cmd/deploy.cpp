// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/follow.hpp"
#include "cmd/site.hpp"
#include "cmd/terminal.hpp"
#include "core/agent/agent.hpp"
#include "core/agent/deploy_check.hpp"
#include "core/agent/release_needs.hpp"
#include "core/agent/site.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/queue/target.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iomanip>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;

/// `deploy` and `rollback` share all but what they go to.
struct DeployOptions {
  std::string type;
  std::string version;
  long revision = 0;
  std::string target;
  std::string at;
  bool now = false;
  std::string missed_after;
  std::string note;
  bool queue = false;
  bool queue_anyway = false;
  bool wait = false;
  bool dry_run = false;
  bool check = false;
  bool ignore_schema = false;
  bool update_crds = false;
  bool through = false;
};

/// What a task will do, and what is there now.
struct Plan {
  queue::NewTask task;
  std::optional<artifact::Artifact> artifact;
  std::optional<queue::TargetRow> row;
  std::string begins;                     ///< when --at was given
  std::vector<artifact::Artifact> way{};  ///< --through: what is deployed one after the other, the release itself last
};

/// Chart types that a target of this command may take: --target's, or any when it is not given and the task is queued.
std::optional<std::string> wanted_type(const DeployOptions& options, const agent::Settings& settings) {
  if (!options.target.empty()) return base::chart_type(deploy::parse_target(options.target).kind);
  if (options.queue) return std::nullopt;
  return base::chart_type(settings.targets.front().kind);
}

/// Where a task goes that names no target: ours when it takes this kind of release, else the default target of the kind.
std::string choose_target(db::Session& db, const DeployOptions& options, const agent::Settings& settings,
                          const std::optional<std::string>& chart_type) {
  if (!options.target.empty()) return deploy::parse_target(options.target).name;
  const auto& ours = settings.targets.front();
  if (!options.queue || !chart_type || *chart_type == base::chart_type(ours.kind)) {
    if (!options.queue || queue::find_target(db, ours.name)) return ours.name;
  }
  for (const auto& kind : base::kTargetKinds) {
    if (chart_type && *chart_type != kind.chart_type) continue;
    if (const auto row = queue::default_target(db, kind.name)) return row->name;
  }
  // Nobody polls yet: the task waits for the agent that these settings describe.
  if (!chart_type || *chart_type == base::chart_type(ours.kind)) return ours.name;
  throw Error(Kind::configuration, "no agent has made a target for it known yet",
              "start `wrktalk poll --loop` at the target, or name one with --target");
}

Plan make_plan(const DeployOptions& options, const Env& env, const agent::Settings& settings, db::Session& db,
               SignalPulse& pulse) {
  Plan plan;
  std::optional<std::string> chart_type = wanted_type(options, settings);
  if (!options.version.empty()) {
    db::raw::Connection raw(settings.database);
    plan.artifact = artifact::find(raw, options.version, chart_type, pulse);
    chart_type = plan.artifact->chart_type;
  }
  plan.task.type = options.type;
  plan.task.target = choose_target(db, options, settings, chart_type);
  plan.row = queue::find_target(db, plan.task.target);
  if (plan.artifact) plan.task.artifact_id = plan.artifact->id;
  if (options.type == "rollback") {
    if (!options.version.empty()) plan.task.payload.target_version = plan.artifact->version;
    if (options.revision > 0) plan.task.payload.target_revision = options.revision;
    if (options.version.empty() && options.revision == 0 && (!plan.row || !plan.row->previous_artifact_id)) {
      throw Error(Kind::failed, "there is no previous release on " + plan.task.target,
                  "name one with --to-version; `wrktalk release list` shows what is stored");
    }
  }
  if (!options.note.empty()) plan.task.payload.note = options.note;
  plan.task.payload.requested_by = requested_by();
  plan.task.payload.ignore_schema = options.ignore_schema;
  plan.task.payload.update_crds = options.update_crds;
  plan.task.payload.accept_loss = env.yes;
  if (!options.at.empty()) {
    const auto past = options.now ? queue::Past::meant : queue::Past::refused;
    auto start = queue::start_time(db, options.at, past);
    plan.task.at = std::move(start.at);
    plan.begins = std::move(start.shown);
  }
  plan.task.queue_anyway = options.queue_anyway;
  if (!options.missed_after.empty()) plan.task.missed_after = base::parse_duration(options.missed_after);
  return plan;
}

/// The stored releases on the way to the one that is to run, from what is recorded: each task looks at what really runs.
std::vector<artifact::Artifact> way_of(const Plan& plan, const agent::Settings& settings, SignalPulse& pulse) {
  deploy::Before recorded;
  recorded.state = deploy::Before::State::nothing;
  if (plan.row && plan.row->current_artifact_id) recorded.state = deploy::Before::State::running;
  if (plan.row) recorded.version = plan.row->current_version;
  db::raw::Connection raw(settings.database);
  const auto way = agent::way_up(raw, *plan.artifact, recorded, pulse);
  if (way.stops.empty()) throw Error(Kind::artifact, way.problem, way.hint);
  std::vector<artifact::Artifact> stops;
  for (const auto& id : way.stops) stops.push_back(artifact::find(raw, id, std::nullopt, pulse));
  return stops;
}

std::string goal(const Plan& plan) {
  if (plan.artifact) return plan.artifact->version;
  if (plan.task.payload.target_revision) return "revision " + std::to_string(*plan.task.payload.target_revision);
  return plan.row && plan.row->previous_version ? *plan.row->previous_version : "the previous release";
}

/// What the site's settings would change about what runs.
agent::Site::Changes changes_of_site(const agent::Settings& settings, const Plan& plan, db::Session& db) {
  if (!plan.row || !plan.row->current_artifact_id) return {};
  agent::Site site(settings, deploy::parse_target(plan.task.target), {});
  return site.changes_since(*plan.row->current_artifact_id, db);
}

ExitCode show_plan(const Env& env, const Plan& plan, const agent::Site::Changes& of_site) {
  const std::string now = plan.row && plan.row->current_version ? *plan.row->current_version : "nothing";
  std::vector<std::string> way;
  for (const auto& stop : plan.way) way.push_back(stop.version);
  if (env.output == Output::json) {
    nlohmann::ordered_json document = {{"type", plan.task.type},
                                       {"target", plan.task.target},
                                       {"from", now},
                                       {"to", goal(plan)},
                                       {"dry_run", true},
                                       {"site", to_json(of_site.differences)},
                                       {"site_remarks", of_site.remarks}};
    if (!way.empty()) document["through"] = way;
    print_json(document);
    return ExitCode::done;
  }
  if (way.size() > 1) {
    std::cout << "would deploy " << now << " -> " << base::join(way, " -> ") << " on " << plan.task.target
              << ", each when the one before it has completed\nnothing was changed\n";
    return ExitCode::done;
  }
  std::cout << "would " << (plan.task.type == "deploy" ? "deploy " : "roll back to ") << goal(plan) << " on "
            << plan.task.target << ", where " << now << " runs now";
  if (plan.artifact) {
    std::cout << " (" << plan.artifact->chart_type << ", " << base::human_size(plan.artifact->size_bytes) << ", sha256 "
              << plan.artifact->sha256.substr(0, 12) << ")";
  }
  std::cout << '\n';
  if (!of_site.differences.empty()) std::cout << "settings of the site that differ from what runs:\n";
  print(of_site.differences);
  for (const auto& remark : of_site.remarks) std::cout << remark << '\n';
  std::cout << "nothing was changed\n";
  return ExitCode::done;
}

const char* to_text(agent::Finding::Weight weight) {
  switch (weight) {
    case agent::Finding::Weight::good: return "ok";
    case agent::Finding::Weight::warning: return "warning";
    case agent::Finding::Weight::bad: return "problem";
  }
  return "";
}

/// What would happen and whether it can; the target and the stored bytes are looked at.
ExitCode check(const Env& env, const agent::Settings& settings, const Plan& plan, SignalPulse& pulse) {
  const auto deploy_check = agent::check_deploy(settings, plan.task, pulse);
  const ExitCode code = deploy_check.possible() ? ExitCode::done : ExitCode::failed;
  const std::string to = deploy_check.goal ? deploy_check.goal->artifact.version : goal(plan);
  if (env.output == Output::json) {
    nlohmann::ordered_json findings = nlohmann::ordered_json::array();
    for (const auto& finding : deploy_check.findings) {
      findings.push_back({{"result", to_text(finding.weight)}, {"text", finding.text}, {"hint", finding.hint}});
    }
    print_json({{"type", plan.task.type},
                {"target", plan.task.target},
                {"to", to},
                {"possible", deploy_check.possible()},
                {"findings", findings}});
    return code;
  }
  for (const auto& finding : deploy_check.findings) {
    std::cout << std::left << std::setw(9) << to_text(finding.weight) << finding.text << '\n';
    if (!finding.hint.empty()) std::cout << "         hint: " << finding.hint << '\n';
  }
  std::cout << plan.task.type << " to " << to << " on " << plan.task.target
            << (deploy_check.possible() ? " can be done" : " cannot be done") << "; nothing was changed\n";
  return code;
}

std::string queued(const std::string& id, const Plan& plan) {
  return "task " + id + " is queued for " + plan.task.target +
         (plan.begins.empty() ? "" : ": it begins at " + plan.begins);
}

/// One task for each stop; each waits for the one before it.
ExitCode add_chain_to_queue(const DeployOptions& options, Env& env, db::Session& db, const Plan& plan) {
  std::vector<queue::NewTask> tasks;
  for (const auto& stop : plan.way) {
    tasks.push_back(plan.task);
    tasks.back().artifact_id = stop.id;
  }
  const auto ids = queue::enqueue_chain(db, tasks);
  if (env.output == Output::text) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::cout << "task " << ids[i] << " is queued for " << plan.task.target << ": " << plan.way[i].version
                << (i > 0                 ? ", after the one before it"
                    : plan.begins.empty() ? ""
                                          : ", it begins at " + plan.begins)
                << std::endl;
    }
  }
  if (options.wait) {
    for (const auto& id : ids) {
      const ExitCode code = follow(env, db, id);
      if (code != ExitCode::done) return code;
    }
  } else if (env.output == Output::json) {
    nlohmann::ordered_json document = nlohmann::ordered_json::array();
    for (const auto& id : ids) document.push_back(to_json(queue::find(db, id)));
    print_json(document);
  }
  return ExitCode::done;
}

ExitCode add_to_queue(const DeployOptions& options, Env& env, db::Session& db, const Plan& plan) {
  if (!plan.way.empty()) return add_chain_to_queue(options, env, db, plan);
  const std::string id = queue::enqueue(db, plan.task);
  if (!plan.row) {
    log::warn("task.no_agent", "no agent has made " + plan.task.target + " known yet: the task waits for one");
  }
  if (options.wait) {
    if (env.output == Output::text) std::cout << queued(id, plan) << std::endl;
    return follow(env, db, id);
  }
  if (env.output == Output::json) {
    print_json(to_json(queue::find(db, id)));
  } else {
    std::cout << queued(id, plan) << '\n' << "follow it with `wrktalk task watch " << id.substr(0, 8) << "`\n";
  }
  return ExitCode::done;
}

ExitCode run_here(Env& env, const agent::Settings& settings, const Plan& plan) {
  // ^C puts the target back at once: whoever pressed it is waiting.
  agent::Stop stop(env.signals, std::chrono::milliseconds(0));
  const auto result = agent::run_now(settings, stop, plan.task);
  const bool good = result.end == agent::TaskResult::End::recorded && result.status == queue::Status::completed;
  if (env.output == Output::json) {
    print_json({{"status", queue::to_text(result.status)},
                {"target", plan.task.target},
                {"message", result.message},
                {"exit_code", base::to_int(result.exit_code)}});
  } else if (good) {
    std::cout << result.message << std::endl;
  } else {
    print_error(result.message, result.hint, env.no_color);
  }
  agent::deliver_news(settings, stop);
  return result.exit_code;
}

void check_options(const DeployOptions& options) {
  if (options.through && options.check) {
    throw Error(Kind::usage, "--check looks at one deployment, not at a way through several",
                "say --through --dry-run to see the way");
  }
  if (options.queue) return;
  const std::pair<const char*, bool> of_queue[] = {{"--at", !options.at.empty()},
                                                   {"--missed-after", !options.missed_after.empty()},
                                                   {"--queue-anyway", options.queue_anyway},
                                                   {"--wait", options.wait}};
  for (const auto& [name, is_given] : of_queue) {
    if (is_given)
      throw Error(Kind::usage, std::string(name) + " needs --queue",
                  "queue the task for the agent that serves the target");
  }
}

ExitCode run_deploy(DeployOptions options, Env& env) {
  options.queue = options.queue || options.through;
  check_options(options);
  auto settings =
      agent::ready(env.settings.agent, agent_database(env, options.type), checkpoint_database(env, options.type));
  if (!options.target.empty()) {
    const auto target = deploy::parse_target(options.target);
    if (!options.queue && target.kind == deploy::TargetKind::host && target.agent != settings.agent_id) {
      throw Error(Kind::usage, target.name + " is another host's target",
                  "queue the task with --queue for the agent there");
    }
    if (!options.queue) settings.targets = {target};
  }
  SignalPulse pulse(env.signals);
  db::Session db(settings.database);
  queue::require_schema(db);
  Plan plan = make_plan(options, env, settings, db, pulse);
  if (options.through) plan.way = way_of(plan, settings, pulse);
  if (options.dry_run) return show_plan(env, plan, changes_of_site(settings, plan, db));
  if (options.check) return check(env, settings, plan, pulse);
  if (options.queue) return add_to_queue(options, env, db, plan);
  return run_here(env, settings, plan);
}

void add_common(CLI::App* sub, DeployOptions& options) {
  sub->add_option("--target", options.target,
                  "kubernetes:NAMESPACE/RELEASE, docker:PROJECT or host:AGENT (default: what the settings name)");
  auto* queue = sub->add_flag("--queue", options.queue, "Leave it to the agent that serves the target");
  sub->add_flag("--queue-anyway", options.queue_anyway, "Also while another task runs or is due there");
  auto* at = sub->add_option("--at", options.at, "When, like '2026-12-01 02:00 Europe/Berlin' or +2h");
  sub->add_flag("--now", options.now, "A time of --at that has passed is meant: begin at once")->needs(at);
  sub->add_option("--missed-after", options.missed_after, "Not begun within that, like 1h: fail it, never run it late");
  sub->add_flag("--wait", options.wait, "Follow the queued task to its end");
  sub->add_flag("--dry-run", options.dry_run, "Say what would be done, change nothing");
  sub->add_flag("--check", options.check, "Look whether it can be done: target, stored release, images; change nothing")
      ->excludes(queue);
  sub->add_flag("--ignore-schema", options.ignore_schema,
                "Run it although the database's schema is not what the release requires; kept with the task");
  sub->add_option("--note", options.note, "Kept with the task");
}

constexpr std::initializer_list<ExitCode> kCodes = {ExitCode::done,         ExitCode::failed,        ExitCode::usage,
                                                    ExitCode::busy,         ExitCode::configuration, ExitCode::database,
                                                    ExitCode::artifact,     ExitCode::child,         ExitCode::put_back,
                                                    ExitCode::not_put_back, ExitCode::interrupted};

}  // namespace

void add_deploy(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<DeployOptions>();
  options->type = "deploy";
  auto* sub = app.add_subcommand("deploy", "Deploy a stored release, here and now or by the agent")->group("Releases");
  sub->add_option("VERSION", options->version, "The release's version, or its id")->required();
  add_common(sub, *options);
  sub->add_flag("--through", options->through,
                "Queue it with the stored releases that the upgrade has to go through, one after the other");
  sub->add_flag("--update-crds", options->update_crds,
                "Kubernetes: apply the chart's definitions of custom resources before the upgrade; kept with the task");
  sub->footer(footer({"wrktalk deploy 2.0.0", "wrktalk deploy 2.0.0 --queue --wait",
                      "wrktalk deploy 2.0.0 --queue --at +2h", "wrktalk deploy 2.0.0 --through --wait"},
                     kCodes));
  sub->callback([options, &chosen] { chosen = {"deploy", [options](Env& env) { return run_deploy(*options, env); }}; });
}

void add_rollback(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<DeployOptions>();
  options->type = "rollback";
  auto* sub = app.add_subcommand("rollback", "Go back to the previous release, or to a named one")->group("Releases");
  auto* version = sub->add_option("--to-version", options->version, "The release's version, or its id");
  sub->add_option("--to-revision", options->revision, "Helm's revision (kubernetes)")
      ->check(CLI::PositiveNumber)
      ->excludes(version);
  add_common(sub, *options);
  sub->footer(footer({"wrktalk rollback", "wrktalk rollback --check", "wrktalk rollback --to-version 1.0.0",
                      "wrktalk rollback --queue --wait"},
                     kCodes));
  sub->callback([options, &chosen] {
    chosen = {"rollback", [options](Env& env) { return run_deploy(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
