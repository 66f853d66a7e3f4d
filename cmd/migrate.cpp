// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate.hpp"

#include <CLI/CLI.hpp>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using Options = std::shared_ptr<MigrateOptions>;
using Run = ExitCode (*)(const MigrateOptions&, Env&);

/// The subcommands, each with the options that it takes.
class Commands {
 public:
  Commands(CLI::App& parent, Selected& chosen) : parent_(parent), chosen_(chosen) {}

  CLI::App& add(const std::string& name, const std::string& help, Run run) {
    auto* sub = parent_.add_subcommand(name, help);
    sub->callback([this_chosen = &chosen_, options = options_, name, run] {
      *this_chosen = {"migrate " + name, [options, run](Env& env) { return run(*options, env); }};
    });
    return *sub;
  }

  /// For what reads a database.
  CLI::App& reader(const std::string& name, const std::string& help, Run run) {
    auto& sub = add(name, help, run);
    add_set_options(sub, *options_);
    sub.add_option("--wait", options_->wait, "How long to wait for the server to answer")->capture_default_str();
    return sub;
  }

  /// For what changes one.
  CLI::App& writer(const std::string& name, const std::string& help, Run run) {
    auto& sub = reader(name, help, run);
    sub.add_option("--wait-lock", options_->wait_lock, "How long to wait for another runner")->capture_default_str();
    sub.add_option("--statement-timeout", options_->statement_timeout,
                   "End a statement that takes longer; 0s: never. A file may say its own")
        ->capture_default_str();
    return sub;
  }

  void late(CLI::App& sub) {
    sub.add_flag("--allow-out-of-order", options_->allow_out_of_order,
                 "Apply older files, too, that came after newer ones were applied");
  }

  Options options() const { return options_; }

 private:
  CLI::App& parent_;
  Selected& chosen_;
  Options options_ = std::make_shared<MigrateOptions>();
};

void add_up_down_goto(Commands& commands) {
  const Options options = commands.options();
  auto& up = commands.writer("up", "Apply what is pending, each file in its own transaction", run_migrate_up);
  up.add_option("--to", options->to, "Apply no migration beyond this number");
  commands.late(up);
  auto& down = commands.writer("down", "Undo the last migrations; asks first", run_migrate_down);
  auto* steps =
      down.add_option("--steps", options->steps, "How many to undo")->check(CLI::PositiveNumber)->capture_default_str();
  down.add_option("--to", options->to, "Undo all above this number; 0: all")->excludes(steps);
  auto& go =
      commands.writer("goto", "Apply or undo until this one is the last; asks before it undoes", run_migrate_goto);
  go.add_option("N", options->to, "The number; 0: undo all")->required();
  commands.late(go);

  up.footer(footer({"wrktalk migrate up --wait 60s", "wrktalk migrate up --set agent",
                    "wrktalk migrate up --dir db/migrations --to 12"},
                   {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy,
                    ExitCode::configuration, ExitCode::database}));
  for (auto* sub : {&down, &go}) {
    const bool is_down = sub == &down;
    sub->footer(
        footer({is_down ? "wrktalk migrate down" : "wrktalk migrate goto 12 --dir db/migrations",
                is_down ? "wrktalk migrate down --to 0 --yes" : "wrktalk migrate goto 3 --dir db/migrations --yes"},
               {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::busy, ExitCode::configuration,
                ExitCode::database}));
  }
}

void add_status_plan(Commands& commands) {
  const Options options = commands.options();
  auto& status = commands.reader("status", "What is applied, what is pending, and INVALID indexes; takes no lock",
                                 run_migrate_status);
  status.add_flag("--exit-code", options->exit_code, "Exit 3 unless everything is applied and every index valid");
  status.footer(
      footer({"wrktalk migrate status", "wrktalk migrate status --set agent --exit-code"},
             {ExitCode::done, ExitCode::usage, ExitCode::difference, ExitCode::configuration, ExitCode::database}));
  auto& plan =
      commands.reader("plan", "Print the SQL that `up` or `goto` would run; changes nothing", run_migrate_plan);
  plan.add_option("--to", options->to, "What `goto` would do with this number");
  commands.late(plan);
  plan.footer(footer({"wrktalk migrate plan", "wrktalk migrate plan --dir db/migrations --to 12 -o json"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
}

void add_baseline_repair_create(Commands& commands) {
  const Options options = commands.options();
  auto& baseline =
      commands.writer("baseline", "Record migrations as applied without running them", run_migrate_baseline);
  baseline.get_option("--dir")->required();
  baseline.add_option("--to", options->to, "Record none beyond this number");
  baseline.footer(footer({"wrktalk migrate baseline --dir db/migrations --to 12"},
                         {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::busy, ExitCode::configuration,
                          ExitCode::database}));
  auto& repair = commands.writer("repair", "Build indexes anew that are INVALID or gone", run_migrate_repair);
  repair.add_flag("--accept-changed", options->accept_changed,
                  "Take applied files that have changed for what was applied");
  repair.footer(footer({"wrktalk migrate repair", "wrktalk migrate repair --dir db/migrations --accept-changed"},
                       {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::busy, ExitCode::configuration,
                        ExitCode::database}));
  auto& create = commands.add("create", "Make the files of the next migration in a folder", run_migrate_create);
  create.add_option("NAME", options->name, "What it does, such as add_customer_email")->required();
  create.add_option("--dir", options->dir, "The folder")->required();
  create.add_flag("--timestamp", options->timestamp, "Number it with the time instead of the next number");
  create.footer(footer({"wrktalk migrate create add_customer_email --dir db/migrations"},
                       {ExitCode::done, ExitCode::failed, ExitCode::usage}));
}

void add_grants(Commands& commands) {
  const Options options = commands.options();
  auto& grants = commands.add("grants", "Print the rights that roles need on the agent's tables, or grant them",
                              run_migrate_grants);
  const auto role = [&](const char* name, std::vector<std::string>& roles, const char* help) {
    grants.add_option(name, roles, help)->type_name("ROLE")->take_all();
  };
  auto& grantees = options->grantees;
  role("--agent", grantees.agents, "Runs poll, deploy, rollback, task, maintenance and notify");
  role("--publisher", grantees.publishers, "Adds releases");
  role("--reader", grantees.readers, "Runs status, verify, task list and task show");
  role("--backend", grantees.backends, "A v4.2 backend or agent: keeps what it had");
  grants.add_flag("--apply", options->apply, "Grant them instead of printing the SQL");
  grants.add_option("--wait", options->wait, "How long to wait for the server to answer")->capture_default_str();
  grants.footer(
      footer({"wrktalk migrate grants --agent wrktalk_agent --reader wrktalk_reader | less",
              "wrktalk migrate grants --agent wrktalk_agent --publisher ci --backend backend --apply"},
             {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
}

}  // namespace

void add_migrate(CLI::App& app, Selected& chosen) {
  auto* group = app.add_subcommand("migrate", "Bring a database's tables up to date")->group("Database");
  group->require_subcommand(1);
  Commands commands(*group, chosen);
  add_up_down_goto(commands);
  add_status_plan(commands);
  add_baseline_repair_create(commands);
  add_grants(commands);
}

}  // namespace wrktalk::cmd
