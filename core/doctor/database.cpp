// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/exposure.hpp"
#include "core/doctor/check.hpp"
#include "core/doctor/sql.hpp"
#include "core/migrate/grants.hpp"
#include "core/migrate/migration.hpp"
#include "core/migrate/runner.hpp"
#include "core/migrate/verify.hpp"
#include "core/queue/target.hpp"

#include <chrono>
#include <cmath>

namespace wrktalk::doctor {
namespace {

using base::Deadline;

/// The oldest version that PostgreSQL's makers still mend is about this.
constexpr int kOldestGood = 130000;
constexpr int kWithCollationVersions = 150000;
constexpr double kClockSeconds = 2;
constexpr long kFewConnections = 5;
constexpr std::chrono::seconds kAnswer{10};

db::ConnectionSettings patient(db::ConnectionSettings settings) {
  settings.answer_within = kAnswer;
  return db::with_connect_timeout(settings, std::chrono::seconds(5));
}

double own_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void look_at_clock(const Look& look, double ahead) {
  if (std::abs(ahead) < kClockSeconds) return;
  const auto apart = std::chrono::milliseconds(static_cast<long>(std::abs(ahead) * 1000));
  look.warn("the server's clock is " + base::human_duration(apart) + (ahead > 0 ? " ahead of" : " behind") +
                " this machine's: tasks begin by the server's",
            "let both machines ask a time server (chrony, systemd-timesyncd)");
}

void look_at_collation(const Look& look, db::Session& db) {
  if (db.server_version() < kWithCollationVersions) return;
  for (const auto& row : db.run(sql::collation)) {
    look.warn(std::string("the database was made with collation version ") + row["recorded"].c_str() +
                  ", the server has " + row["actual"].c_str() + " now: indexes of texts may be in the wrong order",
              "rebuild them (REINDEX DATABASE), then ALTER DATABASE ... REFRESH COLLATION VERSION");
  }
}

void look_at_server(const Look& look, const db::ConnectionSettings& settings) {
  db::Session db(patient(settings));
  const auto row = db.run(sql::server, own_clock())[0];
  look.good(std::string("PostgreSQL ") + row["version"].c_str() + ", database " + row["database_name"].c_str() +
            " as " + row["role"].c_str() + (row["is_encrypted"].as<bool>() ? ", encrypted" : ", not encrypted"));
  if (db.server_version() < kOldestGood) {
    look.warn("this version of PostgreSQL gets no corrections any more", "upgrade the server");
  }
  if (row["is_standby"].as<bool>()) look.fail("the server is a standby: nothing can be written", "name the primary");
  if (row["is_read_only"].as<bool>()) {
    look.fail("transactions are read-only by default",
              "ALTER ROLE or ALTER DATABASE ... RESET default_transaction_read_only");
  }
  if (std::string(row["encoding"].c_str()) != "UTF8") {
    look.warn(std::string("the database's encoding is ") + row["encoding"].c_str() +
                  ": what a tool prints may not fit and is stored with ? instead",
              "make the database with ENCODING 'UTF8'");
  }
  if (const auto exposed = db::exposure(settings); exposed && !row["is_encrypted"].as<bool>()) {
    look.warn("sslmode is " + exposed->ssl_mode + " for " + exposed->host + " and the connection is not encrypted",
              "set sslmode verify-full and name the CA by PGSSLROOTCERT");
  }
  if (const auto limits = db::text(row, "limits")) {
    look.note("time limits of this role or database: " + *limits, "wrktalk lifts them in its sessions where it can");
  }
  if (row["connections_left"].as<long>() < kFewConnections) {
    look.warn("only " + std::to_string(row["connections_left"].as<long>()) + " connections are left on the server",
              "raise max_connections, or put a pooler in between and poll with --poll-only");
  }
  if (db.pooled()) look.note("a pooler is in between: poll with --poll-only");
  look_at_clock(look, row["clock_ahead"].as<double>());
  look_at_collation(look, db);
}

}  // namespace

void check_database(const Look& look) { look_at_server(look, look.site().database); }

void check_schema(const Look& look) {
  db::Session db(patient(look.site().database));
  queue::require_schema(db);
  look.good("the agent's tables are as new as this wrktalk needs: migration " +
            std::to_string(queue::kNeededMigration));
}

void check_rights(const Look& look) {
  auto connection = migrate::connect(patient(look.site().database), Deadline::in(kAnswer), look.pulse());
  const auto site = migrate::find_site(connection, {"agent_task"}, look.pulse());
  const auto missing = migrate::missing_agent_rights(connection, site, look.pulse());
  if (missing.empty()) look.good("this role may do all that an agent does");
  for (const auto& right : missing) {
    look.fail("this role lacks " + right, "wrktalk migrate grants --agent ROLE --apply, as the tables' owner");
  }
  for (const auto& right : migrate::excess_rights(connection, site, look.pulse())) {
    look.warn(right, "wrktalk migrate grants shows what each role needs");
  }
}

void check_checkpoints(const Look& look) {
  auto connection = migrate::connect(patient(look.site().checkpoint_database), Deadline::in(kAnswer), look.pulse());
  const auto set = migrate::embedded_set("checkpoint");
  const auto report = migrate::verify(connection, set, migrate::Count::small, look.pulse());
  if (!report.version && report.figures.empty()) {
    return look.note("database " + connection.database() + " has no checkpoint tables",
                     "wrktalk migrate up makes them, if this site has an application on LangGraph");
  }
  if (report.is_clean()) {
    look.good("the checkpoint tables are as the migrations make them, version " +
              (report.version ? std::to_string(*report.version) : std::string("unknown")));
  }
  for (const auto& check : report.checks) {
    for (const auto& difference : check.differences) look.fail(check.name + ": " + difference, "wrktalk verify");
  }
  for (const auto& warning : report.warnings) look.warn(warning);
}

}  // namespace wrktalk::doctor
