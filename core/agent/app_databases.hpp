// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/base/pulse.hpp"
#include "core/migrate/history.hpp"
#include "core/migrate/migration.hpp"
#include "core/release_manifest/manifest.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// The application's databases, which releases name in their manifests.
namespace wrktalk::agent {

/// A folder of migrations, and the database that it is for.
struct Migrations {
  std::string database;  ///< as the manifest names it
  migrate::Set set;
};

/// What stands in the ledger of a database, and what of it a folder does not know.
struct Ledger {
  std::vector<std::int64_t> numbers;  ///< applied
  std::vector<const migrate::Migration*>
      pending;                      ///< what `up` would apply; they point into the set that was asked about
  std::vector<std::string> locks;   ///< what these would lock
  std::vector<std::string> beyond;  ///< applied, and no file of the folder: "003 (add_orders)"
};

/// What is done to them for a task. That one is away, or refuses something, fails the task: unlike our own database, no lease bounds how long it would be
/// waited for. So no verb throws what `db::may_pass` takes; what the pulse throws passes, and has ended the statement under way.
class AppDatabases {
 public:
  using Tell = std::function<void(const std::string& line)>;
  virtual ~AppDatabases() = default;

  /// Throws Error(configuration) that names the settings which are missing.
  virtual void need_named(const std::vector<std::string>& names) const = 0;
  /// Throws Error(configuration) when no setting says where backups are to lie.
  virtual void need_folder() const = 0;
  /// Makes a backup, then removes those that are more than are kept. Returns its path.
  virtual std::string back_up(const std::string& database, base::Pulse& pulse) = 0;
  virtual bool is_there(const std::string& backup) const = 0;

  /// Those of a release that lies unpacked at `tree`, in it or in the one folder in it; checked as `check_migrations` does.
  virtual Migrations read(const std::string& tree, const release_manifest::Migrations& asked) = 0;
  /// Throws Error for a ledger that does not fit the files, but for what is `beyond`.
  virtual Ledger ledger(const Migrations& migrations, base::Pulse& pulse) = 0;
  /// Applies what is pending. What fails leaves those before it applied. Throws Error(child | busy | configuration).
  virtual void up(const Migrations& migrations, const Tell& tell, base::Pulse& pulse) = 0;
  /// Undoes those of these numbers that are applied, the newest first. Throws Error(failed) when others were applied after one of them.
  virtual void down(const Migrations& migrations, const std::vector<std::int64_t>& numbers, const Tell& tell,
                    base::Pulse& pulse) = 0;
  /// "orders 12, customers 3": the rows of the tables that these were about; empty when there are none.
  virtual std::string rows_at_stake(const Migrations& migrations, const std::vector<std::int64_t>& numbers,
                                    base::Pulse& pulse) = 0;
};

/// The real ones.
class NamedDatabases : public AppDatabases {
 public:
  explicit NamedDatabases(const Settings& settings) : settings_(settings) {}

  void need_named(const std::vector<std::string>& names) const override;
  void need_folder() const override;
  std::string back_up(const std::string& database, base::Pulse& pulse) override;
  bool is_there(const std::string& backup) const override;
  Migrations read(const std::string& tree, const release_manifest::Migrations& asked) override;
  Ledger ledger(const Migrations& migrations, base::Pulse& pulse) override;
  void up(const Migrations& migrations, const Tell& tell, base::Pulse& pulse) override;
  void down(const Migrations& migrations, const std::vector<std::int64_t>& numbers, const Tell& tell,
            base::Pulse& pulse) override;
  std::string rows_at_stake(const Migrations& migrations, const std::vector<std::int64_t>& numbers,
                            base::Pulse& pulse) override;

 private:
  db::ConnectionSettings connection_of(const std::string& database) const;

  const Settings& settings_;
};

/// The databases that a manifest names, each once.
std::vector<std::string> databases_of(const release_manifest::Manifest& manifest);

/// Throws Error(artifact) when there is no migration, when one of them cannot be sent to a server, or when one lacks the down file that the manifest's
/// on-rollback needs. `where` names the folder.
void check_migrations(const release_manifest::Migrations& asked, const std::vector<migrate::Migration>& migrations,
                      const std::string& where);

}  // namespace wrktalk::agent
