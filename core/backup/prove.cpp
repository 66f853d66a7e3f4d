// SPDX-License-Identifier: Apache-2.0
#include "core/backup/prove.hpp"

#include "core/backup/content_hash.hpp"
#include "core/backup/dump.hpp"
#include "core/backup/private_server.hpp"
#include "core/backup/restore.hpp"
#include "core/backup/scratch.hpp"
#include "core/backup/tables.hpp"
#include "core/base/error.hpp"
#include "core/db/raw.hpp"
#include "core/log/log.hpp"

#include <ctime>
#include <functional>
#include <utility>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kNoRight = "42501";

Rows dump_again(const db::ConnectionSettings& scratch, const Rows& restored, const Tools& tools, ContentHash& hash,
                base::Pulse& pulse) {
  db::raw::Connection connection(scratch);
  Tables tables = find_tables(connection, parts_of(restored), pulse);
  if (tables.there.empty()) {
    // They lie in a schema that the search path of this database does not name.
    const auto found = connection.query("SELECT quote_ident(schemaname) FROM pg_tables WHERE tablename = $1",
                                        {restored.begin()->first}, pulse, base::Deadline::never());
    tables.schema = found.rows.at(0).at(0).value_or("");
    for (const auto& [table, rows] : restored) tables.there.push_back(table);
  }
  DumpText text(hash);
  exec::Spec spec = dump_spec(tools, scratch, connection, tables, false);
  spec.on_bytes = [&](std::string_view bytes) { text.write(bytes); };
  need_dumped(exec::run(spec, pulse), spec);
  text.end();
  return text.rows();
}

Rows restore_and_compare(const db::ConnectionSettings& scratch, const Backup& backup, const Reading& reading) {
  ContentHash wanted;
  Rows rows;
  {
    db::raw::Connection connection(scratch);
    rows = restore(connection, backup, reading, {}, wanted);
  }
  ContentHash found;
  const Rows again = dump_again(scratch, rows, reading.tools, found, reading.pulse);
  if (again != rows) {
    throw Error(Kind::difference, "restored it has " + to_text(again) + ", the backup has " + to_text(rows));
  }
  for (const auto& [table, sum] : wanted.sums()) {
    const auto there = found.sums().find(table);
    if (there == found.sums().end() || there->second != sum) {
      throw Error(Kind::difference, "the rows of table " + table + " are not the same once they are restored");
    }
  }
  return rows;
}

Rows restored_somewhere(const db::ConnectionSettings& database, const Backup& backup, const Reading& reading) {
  try {
    const ScratchDatabase scratch(database, reading.pulse);
    reading.tools.check_pg_dump(scratch.server(), reading.pulse);
    return restore_and_compare(scratch.settings(), backup, reading);
  } catch (const db::SqlError& error) {
    if (error.sqlstate() != kNoRight) throw;
    log::info("backup.private_server", "this role may not create a database: starting a private server");
  }
  PrivateServer server(reading.tools, reading.pulse);
  return restore_and_compare(server.settings(), backup, {reading.keys, reading.tools, server, reading.progress});
}

bool is_as_written(const Backup& backup) { return backup.record || read_sha256(backup.path); }

/// `act` looks at a backup whose bytes are as they were written, where something beside it tells so. What fails then for another
/// reason than what is in it says nothing about it: it leaves as `configuration`, `connection_lost` or `child`.
Rows examined(const Backup& backup, const std::function<Rows()>& act) {
  try {
    return act();
  } catch (const Unreadable& error) {
    if (is_as_written(backup)) throw;
    throw Error(Kind::difference, error.what(), error.hint());
  } catch (const db::SqlError& error) {
    if (error.kind() != Kind::database) throw;
    throw Error(db::may_pass(error) ? Kind::connection_lost : Kind::configuration,
                std::string("the server could not restore it: ") + error.what(), error.hint());
  }
}

}  // namespace

Rows verify(const Backup& backup, const Reading& reading) {
  sweep_private_servers(reading.pulse);
  check_sha256(backup, reading.pulse, reading.progress);
  return examined(backup, [&] {
    DumpListener nobody;
    Rows rows = read_backup(backup.path, backup.name, reading, nobody);
    need_recorded_rows(backup, rows);
    return rows;
  });
}

Rows verify_by_restoring(const db::ConnectionSettings& database, const Backup& backup, const Reading& reading) {
  sweep_private_servers(reading.pulse);
  check_sha256(backup, reading.pulse, reading.progress);
  return examined(backup, [&] { return restored_somewhere(database, backup, reading); });
}

void note_verified(Backup backup, bool restored) {
  if (!backup.record) return;
  backup.record->verified_at = utc_text(std::time(nullptr));
  if (restored) backup.record->restored_at = backup.record->verified_at;
  try {
    write_record(backup.path, *backup.record);
  } catch (const Error& error) {
    log::warn("backup.record", "cannot note that the backup was verified", {{"reason", error.what()}});
  }
}

}  // namespace wrktalk::backup
