// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate.hpp"
#include "core/base/text.hpp"
#include "core/migrate/create.hpp"
#include "core/migrate/plan.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;

ordered_json to_json(const migrate::Set& set, const migrate::Status& status) {
  ordered_json document = {{"set", set.name}, {"clean", status.is_clean()}};
  auto& list = document["migrations"] = ordered_json::array();
  for (const auto& entry : status.entries) {
    ordered_json item = {{"number", entry.number},
                         {"label", entry.label},
                         {"name", entry.name},
                         {"state", migrate::to_string(entry.state)}};
    if (entry.row) {
      item["applied_at"] = entry.row->applied_at;
      item["applied_by"] = entry.row->applied_by;
      item["outcome"] = entry.row->outcome;
      item["duration_ms"] = entry.row->took.count();
    }
    list.push_back(std::move(item));
  }
  auto& indexes = document["invalid_indexes"] = ordered_json::array();
  for (const auto& index : status.invalid) {
    indexes.push_back({{"name", index.name}, {"table", index.table}, {"building", index.is_building}});
  }
  return document;
}

void print(const migrate::Status& status) {
  Table table({"MIGRATION", "NAME", "STATE", "AT", "BY", "TOOK"});
  for (const auto& entry : status.entries) {
    const bool applied = entry.row && entry.state == migrate::State::applied;
    table.add({entry.label, entry.name, applied ? entry.row->outcome : migrate::to_string(entry.state),
               entry.row ? entry.row->applied_at : "", entry.row ? entry.row->applied_by : "",
               entry.row ? base::human_duration(entry.row->took) : ""});
  }
  std::cout << table.text();
  for (const auto& index : status.invalid) {
    std::cout << "\nINVALID index " << index.name << " of table " << index.table
              << (index.is_building ? ": it is being built\n"
                                    : ": no query uses it; `wrktalk migrate repair` builds it anew\n");
  }
}

/// As psql would run it.
void print(const migrate::Planned& planned) {
  std::cout << "-- " << planned.direction << ": " << planned.file << (planned.transactional ? "\nBEGIN;\n" : "\n")
            << base::trim(planned.sql) << (planned.transactional ? "\nCOMMIT;\n\n" : "\n\n");
}

}  // namespace

ExitCode run_migrate_status(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "status");
  const auto status = migrate::status(session.target(), session.set());
  if (env.output == Output::json) {
    print_json(to_json(session.set(), status));
  } else {
    print(status);
  }
  return options.exit_code && !status.is_clean() ? ExitCode::difference : ExitCode::done;
}

ExitCode run_migrate_plan(const MigrateOptions& options, Env& env) {
  MigrateSession session(options, env, "plan");
  const auto target = session.target();
  const auto plan = migrate::plan(target.connection, session.set(), options.goal(), target.pulse);
  if (env.output == Output::json) {
    auto list = ordered_json::array();
    for (const auto& item : plan) {
      list.push_back({{"direction", item.direction},
                      {"number", std::stoll(item.number)},
                      {"label", item.number},
                      {"name", item.name},
                      {"file", item.file},
                      {"transactional", item.transactional},
                      {"sql", item.sql}});
    }
    print_json({{"set", session.set().name}, {"plan", std::move(list)}});
    return ExitCode::done;
  }
  if (plan.empty()) std::cout << "-- nothing to do\n";
  for (const auto& item : plan) print(item);
  return ExitCode::done;
}

ExitCode run_migrate_create(const MigrateOptions& options, Env& env) {
  const auto files = migrate::create_files(options.dir, options.name, options.timestamp);
  if (env.output == Output::json) {
    print_json({{"files", files}});
    return ExitCode::done;
  }
  for (const auto& file : files) std::cout << file << '\n';
  return ExitCode::done;
}

}  // namespace wrktalk::cmd
