// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate_report.hpp"

#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {

void MigrateReport::line(const std::string& text) const {
  if (shown_) std::cout << text << '\n' << std::flush;
}

void MigrateReport::connecting(bool from_vault) {
  if (from_vault) line("==> Loading PostgreSQL credentials from Vault...");
  line("==> Verifying database connection...");
}

void MigrateReport::connected(const db::raw::Connection& connection) {
  line("    Host: " + connection.host());
  line("    Port: " + connection.port());
  line("    Database: " + connection.database());
  line("    User: " + connection.user());
  line("==> Database connection successful");
}

void MigrateReport::finished(const migrate::Set& set, const migrate::UpResult& result) {
  if (result.done.empty() && result.newest != nullptr) {
    const bool versioned = result.inspection && result.inspection->version;
    line("Migration " + result.newest->label +
         (versioned ? " (version " + std::to_string(*result.inspection->version) + ")" : std::string()) +
         " already applied. Skipping.");
  }
  if (!result.inspection) return;
  line("==> Verifying " + set.name + " tables...");
  const auto& comparison = result.inspection->comparison;
  for (const auto& difference : comparison.differences) line("    " + difference.text());
  if (comparison.differences.empty()) {
    const auto tables = migrate::tables_of(migrate::parse_catalog(set.fingerprint)).size();
    line("==> All " + std::to_string(tables) + " " + set.name + " tables verified successfully");
  }
}

void MigrateReport::checking() { line("==> Checking if migration has already been applied..."); }

void MigrateReport::waiting(const std::string& holder) {
  log::warn("migrate.waiting", "another migration is running: " + holder);
}

void MigrateReport::applying(const migrate::Migration& migration) {
  line("==> Applying migration " + migration.label + ": " + migration.title + "...");
}

void MigrateReport::undoing(const migrate::Migration& migration) {
  line("==> Undoing migration " + migration.label + ": " + migration.title + "...");
}

void MigrateReport::adopting(const migrate::Migration& migration, const std::vector<migrate::Difference>& missing) {
  line("==> Adopting migration " + migration.label + ": the tables exist already" +
       (missing.empty() ? " and are complete..." : ", completing..."));
  for (const auto& difference : missing) line("    " + difference.text());
}

void MigrateReport::command(const std::string& tag) { line(tag); }

void MigrateReport::retrying(const std::string& why, std::chrono::milliseconds pause) {
  log::warn("migrate.retrying", why, {{"pause", base::human_duration(pause)}});
}

void MigrateReport::done(const migrate::Migration& migration, const migrate::Done& done) {
  all_.push_back(done);
  const bool has_run = done.outcome == "applied" || done.outcome == "adopted";
  line("==> Migration " + migration.label + " " + done.outcome + (has_run ? " successfully" : ""));
}

nlohmann::ordered_json to_json(const std::vector<migrate::Done>& done) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& item : done) {
    list.push_back({{"number", item.number},
                    {"label", item.label},
                    {"name", item.name},
                    {"outcome", item.outcome},
                    {"duration_ms", item.took.count()}});
  }
  return list;
}

nlohmann::ordered_json to_json(const migrate::Comparison& comparison) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& difference : comparison.differences) list.push_back(difference.text());
  return list;
}

}  // namespace wrktalk::cmd
