// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::maintenance {
namespace {

using base::Kind;

/// One change of windows at a time.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(hashtext('wrktalk.maintenance'))";

void raise_flag(const std::string& path) {
  // A fixed name in a folder that anyone may write to: a link there is not followed.
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    base::throw_errno(Kind::configuration, "cannot make the maintenance flag " + path,
                      "set WRKTALK_AGENT_MAINTENANCE_FLAG to a path this user may write");
  }
  if (!S_ISREG(info.st_mode)) {
    throw base::Error(Kind::configuration, "the maintenance flag " + path + " is not a file",
                      "set WRKTALK_AGENT_MAINTENANCE_FLAG to another path");
  }
}

void lower_flag(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    base::throw_errno(Kind::configuration, "cannot remove the maintenance flag " + path,
                      "remove it by hand: the proxy answers 503 while it is there");
  }
}

}  // namespace

void open(db::Session& db, const Settings& settings, const std::string& owner, const std::string& reason,
          const std::string& opened_by) {
  db::Transaction tx(db);
  tx.run(kLock);
  tx.run(
      "INSERT INTO maintenance_window (owner, reason, opened_by) SELECT $1, 'switched on in deployment_config', 'v4.2' "
      "WHERE NOT EXISTS (SELECT FROM maintenance_window) "
      "AND EXISTS (SELECT FROM deployment_config WHERE maintenance_mode_enabled)",
      kOperator);
  tx.run(
      "INSERT INTO maintenance_window (owner, reason, opened_by) VALUES ($1, nullif($2, ''), $3) ON CONFLICT DO "
      "NOTHING",
      owner, reason, opened_by);
  tx.run(
      "UPDATE deployment_config SET maintenance_mode_enabled = true, updated_at = now() WHERE NOT "
      "coalesce(maintenance_mode_enabled, false)");
  // Before the flag: when we are killed in between, the window tells whoever takes over that a flag may be there.
  tx.commit();
  if (!settings.flag_file.empty()) raise_flag(settings.flag_file);
}

bool close(db::Session& db, const Settings& settings, const std::string& owner) {
  db::Transaction tx(db);
  tx.run(kLock);
  tx.run("DELETE FROM maintenance_window WHERE owner = $1", owner);
  const bool last = tx.run("SELECT FROM maintenance_window LIMIT 1").empty();
  if (last) {
    // Before the commit: when we are killed in between, the window is still there to be closed again.
    if (!settings.flag_file.empty()) lower_flag(settings.flag_file);
    tx.run(
        "UPDATE deployment_config SET maintenance_mode_enabled = false, updated_at = now() WHERE "
        "maintenance_mode_enabled");
  }
  tx.commit();
  return last;
}

State state(db::Session& db, const Settings& settings) {
  State state;
  state.enabled = !db.run("SELECT FROM deployment_config WHERE maintenance_mode_enabled LIMIT 1").empty();
  state.flag = !settings.flag_file.empty() && base::exists(settings.flag_file);
  for (const auto& row :
       db.run("SELECT owner, reason, opened_by, opened_at FROM maintenance_window ORDER BY opened_at")) {
    state.windows.push_back(
        {row["owner"].c_str(), db::text(row, "reason"), row["opened_by"].c_str(), row["opened_at"].c_str()});
  }
  return state;
}

}  // namespace wrktalk::maintenance
