// SPDX-License-Identifier: Apache-2.0
#include "core/backup/create.hpp"

#include "core/backup/dump.hpp"
#include "core/backup/private_server.hpp"
#include "core/backup/tables.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/raw.hpp"
#include "core/exec/run.hpp"
#include "core/log/log.hpp"

#include <ctime>

namespace wrktalk::backup {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// A snapshot that pg_dump takes over, and what is in it.
class Snapshot {
 public:
  Snapshot(const db::ConnectionSettings& database, const Parts& parts, base::Pulse& pulse) : connection_(database) {
    tables_ = find_tables(connection_, parts, pulse);
    if (!tables_.absent.empty()) {
      throw Error(
          Kind::configuration,
          "database " + connection_.database() + " has no table " + base::join(tables_.absent, ", "),
          parts.count(Part::store) == 0
              ? "name the database of the checkpoint tables, or make them with `wrktalk migrate up`; the role's "
                "search_path must name their schema"
              : "name the database of LangGraph's tables; its store is made by the application "
                "(`store.setup()`); the role's search_path must name their schema");
    }
    connection_.script(connection_.begin_sql("ISOLATION LEVEL REPEATABLE READ, READ ONLY"), pulse, Deadline::never());
    id_ = connection_.query("SELECT pg_export_snapshot()", {}, pulse, Deadline::never()).rows.at(0).at(0).value_or("");
    rows_ = count_rows(connection_, tables_, pulse);
  }

  /// Who restores such a backup alone loses what the application remembers in the store.
  void tell_of_store(base::Pulse& pulse) {
    const auto store = find_tables(connection_, {Part::store}, pulse);
    if (!store.absent.empty()) return;
    log::warn("backup.store_left_out",
              "database " + connection_.database() + " has LangGraph's store (" + base::join(store.there, ", ") +
                  "), which is not in this backup",
              {{"hint", "take it, too, by --tables checkpoint,store"}});
  }

  const db::raw::Connection& connection() const noexcept { return connection_; }
  const Tables& tables() const noexcept { return tables_; }
  const std::string& id() const noexcept { return id_; }
  const Rows& rows() const noexcept { return rows_; }

 private:
  db::raw::Connection connection_;
  Tables tables_;
  std::string id_;
  Rows rows_;
};

void need_all_rows(const Rows& dumped, const Rows& counted) {
  if (dumped == counted) return;
  throw Error(Kind::difference,
              "the dump is not whole: it has " + to_text(dumped) + "; the server has " + to_text(counted),
              "look at the server's log and make another one");
}

}  // namespace

Backup create(const db::ConnectionSettings& database, const Wish& wish, const Tools& tools, base::Pulse& pulse,
              const ProgressCall& progress) {
  const auto started = base::BootClock::now();
  sweep_private_servers(pulse);
  const FolderLock lock(wish.folder);
  Snapshot snapshot(database, wish.parts, pulse);
  if (!wish.chosen) snapshot.tell_of_store(pulse);
  const auto& server = snapshot.connection();
  Record record;
  record.created_at = utc_text(std::time(nullptr));
  record.database = server.database();
  record.server_version = server_version_text(server);
  record.pg_dump_version = tools.check_pg_dump(server, pulse);
  record.rows = snapshot.rows();

  const Name name = free_name(wish.folder, wish.format, wish.recipients.kind, pulse);
  Output output(wish.folder, name, wish.recipients, pulse);
  const bool custom = wish.format == Format::custom;
  DumpListener nobody;
  DumpText text(nobody);
  const auto codec = packer(packing(wish.format), [&](std::string_view bytes) { output.write(bytes); });
  std::uint64_t dumped = 0;
  exec::Spec spec = dump_spec(tools, database, server, snapshot.tables(), custom);
  spec.argv.push_back("--snapshot=" + snapshot.id());
  spec.on_bytes = [&](std::string_view bytes) {
    if (!custom) text.write(bytes);
    codec->write(bytes);
    dumped += bytes.size();
    if (progress) progress(dumped);
  };
  need_dumped(exec::run(spec, pulse), spec);
  codec->end();
  const Written written = output.finish();
  if (!custom) {
    text.end();
    need_all_rows(text.rows(), snapshot.rows());
  } else if (name.encryption == Encryption::none) {
    need_all_rows(read_backup(output.part_path(), name, {{}, tools, pulse}, nobody), snapshot.rows());
  }
  record.size_bytes = written.size_bytes;
  record.sha256 = written.sha256;
  record.took_seconds = std::chrono::duration<double>(base::BootClock::now() - started).count();
  output.publish(record);
  return find(wish.folder + "/" + to_text(name));
}

}  // namespace wrktalk::backup
