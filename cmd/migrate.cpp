// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/migrate_report.hpp"
#include "cmd/migrate_set.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/migrate/runner.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Deadline;
using base::ExitCode;

struct MigrateOptions : SetOptions {
  std::optional<std::int64_t> to;
  std::size_t steps = 1;
  std::string wait = "0s";
  std::string wait_lock = "5m";
  bool exit_code = false;
};

migrate::Limits limits(const MigrateOptions& options, const Env& env) {
  return {base::parse_duration(options.wait_lock), env.settings.ddl_lock_timeout};
}

void show_notices(db::raw::Connection& connection) {
  connection.on_notice([](const std::string& severity, const std::string& message) {
    log::info("migrate.notice", message, {{"severity", severity}});
  });
}

ExitCode run_up(const MigrateOptions& options, Env& env) {
  const migrate::Set set = chosen_set(options);
  const auto settings = database_of(options, env, "migrate up");
  const auto limit = limits(options, env);
  SignalPulse pulse(env.signals);
  MigrateReport report(env.output == Output::text);

  report.connecting(is_from_vault(options, env));
  auto connection = migrate::connect(settings, Deadline::in(base::parse_duration(options.wait)), pulse);
  show_notices(connection);
  report.connected(connection);
  const auto result = migrate::up({settings, connection, pulse}, set, options.to, limit, report);
  report.finished(set, result);

  const bool drifted = result.inspection && !result.inspection->comparison.differences.empty();
  if (env.output == Output::json) {
    nlohmann::ordered_json document = {{"set", set.name}, {"migrations", to_json(result.done)}};
    if (result.newest != nullptr) document["newest"] = result.newest->number;
    if (result.inspection) document["differences"] = to_json(result.inspection->comparison);
    print_json(document);
  }
  return drifted ? ExitCode::difference : ExitCode::done;
}

std::string what_is_lost(const std::vector<const migrate::Migration*>& chosen,
                         const std::vector<migrate::TableFigures>& figures, const db::raw::Connection& connection) {
  std::vector<std::string> labels;
  for (const auto* migration : chosen) labels.push_back(migration->label + " (" + migration->name + ")");
  std::vector<std::string> rows;
  for (const auto& table : figures) rows.push_back(table.table + " " + std::to_string(table.rows));
  std::string question = "Undo migration " + base::join(labels, ", ") + " in database " + connection.database() +
                         " on " + connection.host() + "?";
  if (!rows.empty()) question += " Rows there now: " + base::join(rows, ", ") + ".";
  return question;
}

ExitCode run_down(const MigrateOptions& options, Env& env) {
  const migrate::Set set = chosen_set(options);
  const auto settings = database_of(options, env, "migrate down");
  SignalPulse pulse(env.signals);
  MigrateReport report(env.output == Output::text);
  auto connection = migrate::connect(settings, Deadline::in(base::parse_duration(options.wait)), pulse);
  show_notices(connection);
  const migrate::Target target{settings, connection, pulse};

  const auto entries = migrate::status(target, set);
  migrate::refuse_broken(entries, set);
  const auto chosen = migrate::to_undo(entries, options.steps, options.to);
  std::vector<migrate::Done> done;
  if (!chosen.empty()) {
    if (!confirm(env, what_is_lost(chosen, migrate::figures(target, set), connection))) return ExitCode::failed;
    done = migrate::down(target, set, chosen, limits(options, env), report);
  } else if (env.output == Output::text) {
    std::cout << "Nothing to undo.\n";
  }
  if (env.output == Output::json) print_json({{"set", set.name}, {"migrations", to_json(done)}});
  return ExitCode::done;
}

void print_status(const migrate::Set& set, const std::vector<migrate::Entry>& entries, Output output) {
  if (output == Output::json) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& entry : entries) {
      nlohmann::ordered_json item = {
          {"number", entry.number}, {"name", entry.name}, {"state", migrate::to_string(entry.state)}};
      if (entry.row) {
        item["applied_at"] = entry.row->applied_at;
        item["applied_by"] = entry.row->applied_by;
        item["outcome"] = entry.row->outcome;
        item["duration_ms"] = entry.row->took.count();
      }
      list.push_back(std::move(item));
    }
    print_json({{"set", set.name}, {"migrations", std::move(list)}});
    return;
  }
  Table table({"MIGRATION", "NAME", "STATE", "AT", "BY", "TOOK"});
  for (const auto& entry : entries) {
    const bool adopted = entry.row && entry.state == migrate::State::applied;
    table.add({entry.label, entry.name, adopted ? entry.row->outcome : migrate::to_string(entry.state),
               entry.row ? entry.row->applied_at : "", entry.row ? entry.row->applied_by : "",
               entry.row ? base::human_duration(entry.row->took) : ""});
  }
  std::cout << table.text();
}

ExitCode run_status(const MigrateOptions& options, Env& env) {
  const migrate::Set set = chosen_set(options);
  const auto settings = database_of(options, env, "migrate status");
  SignalPulse pulse(env.signals);
  auto connection = migrate::connect(settings, Deadline::in(base::parse_duration(options.wait)), pulse);
  const auto entries = migrate::status({settings, connection, pulse}, set);
  print_status(set, entries, env.output);
  const bool clean = std::all_of(entries.begin(), entries.end(),
                                 [](const auto& entry) { return entry.state == migrate::State::applied; });
  return options.exit_code && !clean ? ExitCode::difference : ExitCode::done;
}

using Run = ExitCode (*)(const MigrateOptions&, Env&);

CLI::App* add(CLI::App& parent, Selected& chosen, const std::shared_ptr<MigrateOptions>& options,
              const std::string& name, const std::string& help, Run run) {
  auto* sub = parent.add_subcommand(name, help);
  add_set_options(*sub, *options);
  sub->add_option("--wait", options->wait, "How long to wait for the server to answer")->capture_default_str();
  sub->callback([&chosen, options, name, run] {
    chosen = {"migrate " + name, [options, run](Env& env) { return run(*options, env); }};
  });
  return sub;
}

}  // namespace

void add_migrate(CLI::App& app, Selected& chosen) {
  auto* group = app.add_subcommand("migrate", "Bring a database's tables up to date")->group("Database");
  group->require_subcommand(1);
  auto options = std::make_shared<MigrateOptions>();

  auto* up = add(*group, chosen, options, "up", "Apply what is pending, each file in its own transaction", run_up);
  up->add_option("--to", options->to, "Apply no migration beyond this number");
  auto* down = add(*group, chosen, options, "down", "Undo the last migrations; asks first", run_down);
  auto* steps = down->add_option("--steps", options->steps, "How many to undo")
                    ->check(CLI::PositiveNumber)
                    ->capture_default_str();
  down->add_option("--to", options->to, "Undo all above this number; 0: all")->excludes(steps);
  for (auto* sub : {up, down}) {
    sub->add_option("--wait-lock", options->wait_lock, "How long to wait for another runner")->capture_default_str();
  }
  auto* status =
      add(*group, chosen, options, "status", "What is applied and what is pending; takes no lock", run_status);
  status->add_flag("--exit-code", options->exit_code, "Exit 3 unless everything is applied");

  using base::ExitCode;
  up->footer(footer({"wrktalk migrate up --wait 60s", "wrktalk migrate up --set agent",
                     "wrktalk migrate up --dir db/migrations --to 12"},
                    {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy,
                     ExitCode::configuration, ExitCode::database}));
  down->footer(footer({"wrktalk migrate down", "wrktalk migrate down --to 0 --yes"},
                      {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::busy, ExitCode::configuration,
                       ExitCode::database}));
  status->footer(
      footer({"wrktalk migrate status", "wrktalk migrate status --set agent --exit-code"},
             {ExitCode::done, ExitCode::usage, ExitCode::difference, ExitCode::configuration, ExitCode::database}));
}

}  // namespace wrktalk::cmd
