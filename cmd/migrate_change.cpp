// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate.hpp"
#include "core/base/text.hpp"
#include "core/db/encoding.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Deadline;
using base::ExitCode;

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string what_is_lost(const std::vector<const migrate::Migration*>& chosen,
                         const std::vector<migrate::TableFigures>& figures, const db::raw::Connection& connection) {
  std::vector<std::string> labels;
  for (const auto* migration : chosen) labels.push_back(migration->label + " (" + migration->name + ")");
  std::vector<std::string> rows;
  for (const auto& table : figures) {
    if (table.rows) rows.push_back(table.table + " " + std::to_string(*table.rows));
  }
  std::string text = "Undo migration " + base::join(labels, ", ") + " in database " + connection.database() + " on " +
                     connection.host() + ".";
  if (!rows.empty()) text += " Rows in the tables that these made or changed: " + base::join(rows, ", ") + ".";
  return text;
}

/// The agent's tables hold what tools and people say.
void warn_of_encoding(const db::raw::Connection& connection) {
  const std::string lost = db::lost_by_encoding(connection.parameter("server_encoding"));
  if (!lost.empty()) log::warn("database.encoding", lost, {{"hint", db::kEncodingHint}});
}

ExitCode go_up(MigrateSession& session, const migrate::Goal& goal, Output output) {
  try {
    const auto result = migrate::up(session.target(), session.set(), goal, session.limits(), session.report());
    session.report().finished(session.set(), result);
    const bool drifted = result.inspection && !result.inspection->comparison.differences.empty();
    if (output == Output::json) {
      auto document = session.document();
      if (result.newest != nullptr) document["newest"] = result.newest->number;
      if (result.inspection) document["differences"] = to_json(result.inspection->comparison);
      print_json(document);
    }
    return drifted ? ExitCode::difference : ExitCode::done;
  } catch (const base::Error& error) {
    if (output == Output::json) {
      auto document = session.document();
      document["error"] = error.what();
      print_json(document);
    }
    throw;
  }
}

ExitCode go_down(MigrateSession& session, const migrate::Status& status, const MigrateOptions& options, Env& env) {
  migrate::refuse_broken(status.entries, session.set(), migrate::Late::allowed);
  if (options.to) migrate::refuse_unknown_number(status.entries, *options.to);
  const auto chosen = migrate::to_undo(status.entries, options.steps, options.to);
  if (!chosen.empty()) {
    const std::string lost =
        what_is_lost(chosen, migrate::figures(session.target(), session.set(), chosen), session.target().connection);
    if (env.yes && env.output == Output::text) std::cout << lost << '\n' << std::flush;
    if (!confirm(env, lost + " Go on?")) return ExitCode::failed;
    migrate::down(session.target(), session.set(), chosen, session.limits(), session.report());
  } else if (env.output == Output::text) {
    std::cout << "Nothing to undo.\n";
  }
  if (env.output == Output::json) print_json(session.document());
  return ExitCode::done;
}

}  // namespace

MigrateSession::MigrateSession(const MigrateOptions& options, Env& env, const std::string& command)
    : set_(chosen_set(options)),
      settings_(database_of(options, env, "migrate " + command)),
      limits_{base::parse_duration(options.wait_lock), env.settings.migrate.ddl_lock_timeout,
              base::parse_duration(options.statement_timeout)},
      pulse_(env.signals),
      report_(env.output == Output::text) {
  const auto wait = base::parse_duration(options.wait);
  const bool is_job = command == "up";
  if (is_job) report_.connecting(is_from_vault(options, env));
  connection_.emplace(migrate::connect(settings_, Deadline::in(wait), pulse_));
  if (is_job) report_.connected(*connection_);
  connection_->on_notice([](const std::string& severity, const std::string& message) {
    log::info("migrate.notice", message, {{"severity", severity}});
  });
}

nlohmann::ordered_json MigrateSession::document() const {
  return {{"set", set_.name}, {"migrations", to_json(report_.all())}};
}

ExitCode run_migrate_up(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "up");
  if (!session.set().owner_of.empty()) warn_of_encoding(session.target().connection);
  return go_up(session, options.goal(), env.output);
}

ExitCode run_migrate_down(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "down");
  return go_down(session, migrate::status(session.target(), session.set()), options, env);
}

ExitCode run_migrate_goto(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "goto");
  const auto status = migrate::status(session.target(), session.set());
  const auto* newest = migrate::newest(status.entries);
  if (newest != nullptr && newest->number > *options.to) return go_down(session, status, options, env);
  return go_up(session, options.goal(), env.output);
}

ExitCode run_migrate_baseline(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "baseline");
  const auto done = migrate::baseline(session.target(), session.set(), options.to, session.limits(), session.report());
  if (env.output == Output::json) {
    print_json(session.document());
  } else if (done.empty()) {
    std::cout << "Nothing to record: the ledger of set " << session.set().name << " has them all.\n";
  }
  return ExitCode::done;
}

ExitCode run_migrate_repair(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "repair");
  const auto repaired =
      migrate::repair(session.target(), session.set(), options.accept_changed, session.limits(), session.report());
  if (env.output == Output::json) {
    print_json({{"set", session.set().name},
                {"indexes", repaired.indexes},
                {"accepted", repaired.files},
                {"finished", to_json(repaired.finished)}});
    return ExitCode::done;
  }
  for (const auto& index : repaired.indexes) std::cout << "==> Index " << index << " repaired\n";
  for (const auto& file : repaired.files) std::cout << "==> " << file << " accepted as it is now\n";
  std::cout << "Set " << session.set().name << ": " << plural(repaired.indexes.size(), "index repair") << ", "
            << plural(repaired.files.size(), "file") << " accepted, " << plural(repaired.finished.size(), "migration")
            << " finished.\n";
  return ExitCode::done;
}

}  // namespace wrktalk::cmd
