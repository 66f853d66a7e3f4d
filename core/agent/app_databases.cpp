// SPDX-License-Identifier: Apache-2.0
#include "core/agent/app_databases.hpp"

#include "core/backup/database.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/db/sql_error.hpp"
#include "core/log/log.hpp"
#include "core/migrate/runner.hpp"
#include "core/migrate/statements.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <set>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;

/// The same as of `wrktalk migrate --dir`: a site that has run them by hand goes on where it stands.
constexpr const char* kSet = "default";
/// The site is in maintenance meanwhile.
constexpr std::chrono::minutes kWaitForRunner{1};

std::string variable_of(const std::string& database) {
  std::string name = database;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return "WRKTALK_AGENT_" + name + "_DSN";
}

/// What a server of the application's refuses, and that it is away, is no matter of our own database: nothing here is tried again.
template <typename Act>
auto of_database(const std::string& database, Act act) {
  try {
    return act();
  } catch (const db::SqlError& e) {
    throw Error(e.kind() == Kind::configuration ? e.kind() : Kind::child, "database " + database + ": " + e.what(),
                e.hint());
  } catch (const Error& e) {
    if (e.kind() == Kind::connection_lost) throw Error(Kind::child, "database " + database + ": " + e.what(), e.hint());
    throw;
  }
}

/// Tells each migration when it is done.
class Teller : public migrate::Observer {
 public:
  explicit Teller(const AppDatabases::Tell& tell) : tell_(tell) {}
  void waiting(const std::string& holder) override { log::info("migrate.waiting", holder); }
  void done(const migrate::Migration& migration, const migrate::Done& done) override {
    tell_("migration " + migration.label + " (" + migration.name + ") " + done.outcome + " in " +
          base::human_duration(done.took));
  }

 private:
  const AppDatabases::Tell& tell_;
};

migrate::Limits limits() {
  migrate::Limits out;
  out.wait_lock = kWaitForRunner;
  return out;
}

/// A session that waits as long as a migration takes.
db::ConnectionSettings patient(db::ConnectionSettings settings) {
  settings.statement_timeout = std::chrono::milliseconds(0);
  return settings;
}

bool is_in(const std::vector<std::int64_t>& numbers, std::int64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

std::vector<const migrate::Migration*> chosen_of(const migrate::Status& status,
                                                 const std::vector<std::int64_t>& numbers) {
  std::vector<const migrate::Migration*> chosen;
  for (auto entry = status.entries.rbegin(); entry != status.entries.rend(); ++entry) {
    if (!entry->row) continue;
    if (!is_in(numbers, entry->number)) break;
    if (entry->migration == nullptr || !entry->migration->down) {
      throw Error(Kind::failed, "migration " + entry->label + " (" + entry->name + ") has no down file",
                  "restore a backup, or take it back by hand");
    }
    chosen.push_back(entry->migration);
  }
  const auto is_left = [&](const migrate::Entry& entry) {
    return entry.row && is_in(numbers, entry.number) &&
           std::find(chosen.begin(), chosen.end(), entry.migration) == chosen.end();
  };
  if (std::any_of(status.entries.begin(), status.entries.end(), is_left)) {
    throw Error(Kind::failed, "other migrations were applied since", "look at them with `wrktalk migrate status`");
  }
  return chosen;
}

}  // namespace

void NamedDatabases::need_named(const std::vector<std::string>& names) const {
  std::vector<std::string> missing;
  for (const auto& name : names) {
    if (name == "checkpoint" || settings_.app_databases.count(name) != 0) continue;
    missing.push_back(name + " (" + variable_of(name) + ")");
  }
  if (missing.empty()) return;
  throw Error(Kind::configuration,
              std::string("the release names ") + (missing.size() == 1 ? "a database" : "databases") +
                  " that no setting names: " + base::join(missing, ", "),
              "set that to a connection string, for the agent that serves the target");
}

void NamedDatabases::need_folder() const {
  if (!settings_.backups().empty()) return;
  throw Error(Kind::configuration, "the release wants a backup, and no setting says where it is to lie",
              "set WRKTALK_AGENT_BACKUP_DIR to a folder that outlives the agent, best a volume");
}

db::ConnectionSettings NamedDatabases::connection_of(const std::string& database) const {
  need_named({database});
  if (database == "checkpoint") return patient(settings_.checkpoint_database);
  auto settings = patient(settings_.app_databases.at(database));
  settings.interrupt_fd = settings_.database.interrupt_fd;
  return settings;
}

std::string NamedDatabases::back_up(const std::string& database, base::Pulse& pulse) {
  const std::string folder = base::absolute(settings_.backups());
  const auto made = of_database(database, [&] {
    return backup::create_of_database(connection_of(database), database, folder, backup::Tools(), pulse);
  });
  try {
    backup::keep_newest_of(folder, database, settings_.release_backups);
  } catch (const Error& e) {
    log::warn("backup.not_pruned", e.what(), {{"hint", e.hint()}});
  }
  return made.path;
}

bool NamedDatabases::is_there(const std::string& backup) const { return base::exists(backup); }

Ledger NamedDatabases::ledger(const Migrations& migrations, base::Pulse& pulse) {
  return of_database(migrations.database, [&] {
    const auto settings = connection_of(migrations.database);
    db::raw::Connection connection(settings);
    auto status = migrate::status({settings, connection, pulse}, migrations.set);
    Ledger out;
    std::vector<migrate::Entry> known;
    for (auto& entry : status.entries) {
      if (entry.row) out.numbers.push_back(entry.number);
      if (entry.row && entry.migration == nullptr)
        out.beyond.push_back(entry.label + " (" + entry.name + ")");
      else
        known.push_back(std::move(entry));
    }
    migrate::refuse_broken(known, migrations.set, migrate::Late::refused);
    out.pending = migrate::pending(known, std::nullopt);
    for (const auto* one : out.pending) {
      for (auto& lock : migrate::locks_of(one->up.sql)) out.locks.push_back(std::move(lock));
    }
    return out;
  });
}

void NamedDatabases::up(const Migrations& migrations, const Tell& tell, base::Pulse& pulse) {
  of_database(migrations.database, [&] {
    const auto settings = connection_of(migrations.database);
    db::raw::Connection connection(settings);
    Teller teller(tell);
    migrate::up({settings, connection, pulse}, migrations.set, {}, limits(), teller);
  });
}

void NamedDatabases::down(const Migrations& migrations, const std::vector<std::int64_t>& numbers, const Tell& tell,
                          base::Pulse& pulse) {
  of_database(migrations.database, [&] {
    const auto settings = connection_of(migrations.database);
    db::raw::Connection connection(settings);
    const migrate::Target target{settings, connection, pulse};
    const auto status = migrate::status(target, migrations.set);
    const auto chosen = chosen_of(status, numbers);
    if (chosen.empty()) return;
    Teller teller(tell);
    migrate::down(target, migrations.set, chosen, limits(), teller);
  });
}

std::string NamedDatabases::rows_at_stake(const Migrations& migrations, const std::vector<std::int64_t>& numbers,
                                          base::Pulse& pulse) {
  return of_database(migrations.database, [&] {
    const auto settings = connection_of(migrations.database);
    db::raw::Connection connection(settings);
    const migrate::Target target{settings, connection, pulse};
    const auto status = migrate::status(target, migrations.set);
    std::vector<std::string> rows;
    for (const auto& table : migrate::figures(target, migrations.set, chosen_of(status, numbers))) {
      if (table.rows && *table.rows > 0) rows.push_back(table.table + " " + std::to_string(*table.rows));
    }
    return base::join(rows, ", ");
  });
}

std::vector<std::string> databases_of(const release_manifest::Manifest& manifest) {
  std::set<std::string> names(manifest.backup_before.begin(), manifest.backup_before.end());
  if (manifest.migrations) names.insert(manifest.migrations->database);
  return {names.begin(), names.end()};
}

void check_migrations(const release_manifest::Migrations& asked, const std::vector<migrate::Migration>& migrations,
                      const std::string& where) {
  if (migrations.empty()) {
    throw Error(Kind::artifact, "[migrations] dir: there is no migration in " + where,
                "name the files NNN_name.up.sql and NNN_name.down.sql");
  }
  try {
    for (const auto& one : migrations) {
      migrate::checked_sql(one.up);
      if (one.down) migrate::checked_sql(*one.down);
    }
  } catch (const Error& e) {
    throw Error(Kind::artifact, e.what(), e.hint());
  }
  const auto without = std::find_if(migrations.begin(), migrations.end(), [](const auto& one) { return !one.down; });
  if (asked.on_rollback != "down" || without == migrations.end()) return;
  throw Error(Kind::artifact, "[migrations] on-rollback is \"down\", and " + without->up.file + " has no down file",
              "write one, or say on-rollback = \"keep\"");
}

Migrations NamedDatabases::read(const std::string& tree, const release_manifest::Migrations& asked) {
  namespace fs = std::filesystem;
  std::string folder = tree + "/" + asked.dir;
  if (!fs::is_directory(folder)) {
    std::vector<std::string> tops;
    for (const auto& item : fs::directory_iterator(tree)) tops.push_back(item.path().string());
    if (tops.size() == 1) folder = tops.front() + "/" + asked.dir;
  }
  if (!fs::is_directory(folder)) {
    throw Error(Kind::artifact, "[migrations] dir: the release has no folder " + asked.dir,
                "put the migrations there, or name the folder that they lie in");
  }
  Migrations out{asked.database, {}};
  out.set.name = kSet;
  try {
    out.set.migrations = migrate::read_migrations(folder);
  } catch (const Error& e) {
    throw Error(Kind::artifact, e.what(), e.hint());
  }
  // The file's place on this machine is of no use in a message.
  for (auto& one : out.set.migrations) {
    for (auto* script : {&one.up, one.down ? &*one.down : nullptr}) {
      if (script != nullptr) script->file = asked.dir + script->file.substr(folder.size());
    }
  }
  check_migrations(asked, out.set.migrations, asked.dir);
  return out;
}

}  // namespace wrktalk::agent
