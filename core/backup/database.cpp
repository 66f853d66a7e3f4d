// SPDX-License-Identifier: Apache-2.0
#include "core/backup/database.hpp"

#include "core/backup/dump.hpp"
#include "core/backup/output.hpp"
#include "core/backup/sql.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/exec/run.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <sys/statvfs.h>

namespace wrktalk::backup {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// A dump is packed, and has no indexes: it takes no more than this share of what the database takes on its server, but for values that are packed already.
constexpr std::uint64_t kLeastShare = 4;

void need_space(db::raw::Connection& connection, const std::string& folder, base::Pulse& pulse) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return;  // whoever writes there says why it cannot
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  const auto answer =
      connection.query("SELECT pg_catalog.pg_database_size(current_database())", {}, pulse, Deadline::never());
  const std::uint64_t size = std::stoull(answer.rows.at(0).at(0).value_or("0"));
  if (free_bytes >= size / kLeastShare) return;
  throw Error(Kind::failed,
              folder + " has " + base::human_size(free_bytes) + " free, and database " + connection.database() +
                  " takes " + base::human_size(size) + ": a backup of it may need " +
                  base::human_size(size / kLeastShare),
              "free space there, or name another folder with WRKTALK_AGENT_BACKUP_DIR");
}

Record dump(db::raw::Connection& connection, const db::ConnectionSettings& database, const Tools& tools, Output& output,
            const Name& name, base::Pulse& pulse) {
  Record record;
  record.created_at = utc_text(std::time(nullptr));
  record.database = connection.database();
  record.server_version = server_version_text(connection);
  record.pg_dump_version = tools.check_pg_dump(connection, pulse);
  const auto started = base::BootClock::now();
  connection.script(connection.begin_sql("ISOLATION LEVEL REPEATABLE READ, READ ONLY"), pulse, Deadline::never());
  const auto snapshot = connection.query("SELECT pg_export_snapshot()", {}, pulse, Deadline::never());
  record.rows = rows_of_database(connection, pulse);
  exec::Spec spec = tools.connecting("pg_dump", database, connection,
                                     {"--format=custom", "--encoding=UTF8", "--no-publications", "--no-subscriptions",
                                      "--lock-wait-timeout=" + std::to_string(database.lock_timeout.count()),
                                      "--snapshot=" + snapshot.rows.at(0).at(0).value_or("")});
  spec.on_bytes = [&](std::string_view bytes) { output.write(bytes); };
  need_dumped(exec::run(spec, pulse), spec);
  const Written written = output.finish();
  DumpListener nobody;
  const Rows found = read_backup(output.part_path(), name, {{}, tools, pulse}, nobody);
  for (const auto& [table, rows] : record.rows) {
    const auto there = found.find(table);
    if (there != found.end() && there->second == rows) continue;
    throw Error(Kind::difference,
                "the dump is not whole: table " + table + " has " + std::to_string(rows) + " rows, and the dump " +
                    (there == found.end() ? "has it not" : std::to_string(there->second)),
                "look at the server's log and try again");
  }
  record.size_bytes = written.size_bytes;
  record.sha256 = written.sha256;
  record.took_seconds = std::chrono::duration<double>(base::BootClock::now() - started).count();
  return record;
}

}  // namespace

Rows rows_of_database(db::raw::Connection& connection, base::Pulse& pulse) {
  Rows rows;
  for (const auto& row : connection.query(sql::tables_with_rows, {}, pulse, Deadline::never()).rows) {
    const std::string& table = row.at(0).value();
    const auto counted = connection.query("SELECT count(*) FROM ONLY " + table, {}, pulse, Deadline::never());
    rows[table] = std::stoull(counted.rows.at(0).at(0).value_or("0"));
  }
  return rows;
}

Backup create_of_database(const db::ConnectionSettings& database, const std::string& name, const std::string& folder,
                          const Tools& tools, base::Pulse& pulse) {
  base::make_directories(folder, 0700);
  const FolderLock lock(folder);
  // The server's limit for statements is not meant for counting a large table.
  db::ConnectionSettings patient = database;
  patient.statement_timeout = std::chrono::milliseconds(0);
  db::raw::Connection connection(patient);
  need_space(connection, folder, pulse);
  const Name file = free_name_of(folder, name, pulse);
  Output output(folder, file, {}, pulse);
  output.publish(dump(connection, patient, tools, output, file, pulse));
  return find_of(folder + "/" + to_text(file), name);
}

std::size_t keep_newest_of(const std::string& folder, const std::string& name, std::size_t count) {
  const FolderLock lock(folder);
  const auto backups = list_of(folder, name);
  std::size_t removed = 0;
  for (std::size_t i = backups.size(); i-- > std::max<std::size_t>(count, 1);) {
    remove(backups[i]);
    ++removed;
  }
  return removed;
}

}  // namespace wrktalk::backup
