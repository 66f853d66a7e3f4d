// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/verify.hpp"

#include "cmd/app.hpp"
#include "cmd/migrate_set.hpp"
#include "core/base/text.hpp"
#include "core/migrate/runner.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

struct VerifyOptions : SetOptions {
  bool usage = false;
  bool count = false;
  std::string wait = "0s";
};

/// "12", "~1200000" when the statistics say so, "-" when nothing does.
std::string rows_of(const migrate::TableFigures& figures) {
  if (!figures.rows) return "-";
  return (figures.is_estimate ? "~" : "") + std::to_string(*figures.rows);
}

void print(const migrate::Set& set, const migrate::Report& report) {
  for (const auto& check : report.checks) {
    std::cout << (check.differences.empty() ? "ok     " : "DRIFT  ") << check.name << ": " << check.result << '\n';
    for (const auto& difference : check.differences) std::cout << "         " << difference << '\n';
  }
  for (const auto& warning : report.warnings) std::cout << "warning: " << warning << '\n';
  Table table({"TABLE", "ROWS", "COLUMNS", "INDEXES", "SIZE"});
  for (const auto& figures : report.figures) {
    table.add({figures.table, rows_of(figures), std::to_string(figures.columns), std::to_string(figures.indexes),
               base::human_size(static_cast<std::uint64_t>(figures.size_bytes))});
  }
  std::cout << '\n' << table.text() << '\n';
  if (report.version) {
    const bool is_langgraphs = migrate::has_second_owner(set);
    std::cout << "Schema version: "
              << (is_langgraphs ? std::to_string(*report.version) : migrate::label_of(set, *report.version)) << '\n';
  }
  std::cout << (report.is_clean() ? "All " + set.name + " checks passed\n" : set.name + ": differences found\n");
}

nlohmann::ordered_json to_json(const migrate::Set& set, const migrate::Report& report) {
  nlohmann::ordered_json document = {{"set", set.name}, {"schema", report.schema}, {"clean", report.is_clean()}};
  document["version"] = report.version ? nlohmann::ordered_json(*report.version) : nlohmann::ordered_json();
  for (const auto& check : report.checks) {
    document["checks"].push_back({{"name", check.name},
                                  {"ok", check.differences.empty()},
                                  {"result", check.result},
                                  {"differences", check.differences}});
  }
  document["warnings"] = report.warnings;
  document["tables"] = nlohmann::ordered_json::array();
  for (const auto& figures : report.figures) {
    document["tables"].push_back({{"name", figures.table},
                                  {"rows", figures.rows ? nlohmann::ordered_json(*figures.rows) : nullptr},
                                  {"rows_estimated", figures.is_estimate},
                                  {"columns", figures.columns},
                                  {"indexes", figures.indexes},
                                  {"size_bytes", figures.size_bytes}});
  }
  return document;
}

ExitCode show_usage(const migrate::Usage& usage, Output output) {
  if (output == Output::json) {
    print_json({{"active_threads", usage.active_threads},
                {"total_checkpoints", usage.total_checkpoints},
                {"checkpoints_bytes", usage.checkpoints_bytes},
                {"blobs_bytes", usage.blobs_bytes},
                {"writes_bytes", usage.writes_bytes}});
    return ExitCode::done;
  }
  const auto size = [](std::int64_t bytes) { return base::human_size(static_cast<std::uint64_t>(bytes)); };
  Table table({"ACTIVE THREADS", "TOTAL CHECKPOINTS", "CHECKPOINTS SIZE", "BLOBS SIZE", "WRITES SIZE"});
  table.add({std::to_string(usage.active_threads), std::to_string(usage.total_checkpoints),
             size(usage.checkpoints_bytes), size(usage.blobs_bytes), size(usage.writes_bytes)});
  std::cout << table.text();
  return ExitCode::done;
}

ExitCode run_verify(const VerifyOptions& options, Env& env) {
  const migrate::Set set = chosen_set(options);
  SignalPulse pulse(env.signals);
  auto connection = migrate::connect(database_of(options, env, "verify"),
                                     base::Deadline::in(base::parse_duration(options.wait)), pulse);
  if (options.usage) return show_usage(migrate::usage(connection, set, pulse), env.output);
  const migrate::Report report =
      migrate::verify(connection, set, options.count ? migrate::Count::all : migrate::Count::small, pulse);
  if (env.output == Output::json) {
    print_json(to_json(set, report));
  } else {
    print(set, report);
  }
  return report.is_clean() ? ExitCode::done : ExitCode::difference;
}

}  // namespace

void add_verify(CLI::App& app, Selected& chosen) {
  auto* sub = app.add_subcommand("verify", "Check that the tables are what the migrations make")->group("Database");
  auto options = std::make_shared<VerifyOptions>();
  add_set_options(*sub, *options);
  sub->add_flag("--usage", options->usage, "How much the checkpoint tables hold instead of how they are made");
  sub->add_flag("--count", options->count, "Count the rows of large tables, too, however long that takes");
  sub->add_option("--wait", options->wait, "How long to wait for the server to answer")->capture_default_str();
  sub->footer(footer({"wrktalk verify", "wrktalk verify --set agent -o json", "wrktalk verify --dir db/migrations",
                      "wrktalk verify --usage"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy,
                      ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] { chosen = {"verify", [options](Env& env) { return run_verify(*options, env); }}; });
}

}  // namespace wrktalk::cmd
