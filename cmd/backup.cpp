// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "cmd/backup_report.hpp"
#include "core/agent/notifications.hpp"
#include "core/backup/create.hpp"
#include "core/backup/metrics.hpp"
#include "core/backup/prove.hpp"
#include "core/backup/prune.hpp"
#include "core/backup/restore.hpp"
#include "core/backup/scratch.hpp"
#include "core/backup/tables.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ctime>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using backup::Backup;
using base::Error;
using base::ExitCode;
using base::Kind;

struct FolderOptions {
  std::string folder = "/backups";
};

struct CreateOptions : FolderOptions {
  std::string tables;  ///< empty: the checkpoints alone
  std::string format = "plain.gz";
  std::vector<std::string> age_recipients;
  std::vector<std::string> gpg_recipients;
  std::string programs;
  std::string metrics;
  bool notify = false;
};

struct ReadOptions : FolderOptions {
  std::string age_identity;
  std::string programs;
};

struct VerifyOptions : ReadOptions {
  std::vector<std::string> files;
  bool all = false;
  bool restore = false;
};

struct RestoreOptions : ReadOptions {
  std::string file;
  std::string into;
  bool replace = false;
};

struct PruneOptions : FolderOptions {
  backup::Keep keep;
  bool dry_run = false;
};

backup::Format format_of(const std::string& text) {
  if (text == "custom") return backup::Format::custom;
  return text == "plain.zst" ? backup::Format::plain_zstd : backup::Format::plain_gzip;
}

backup::Recipients recipients_of(const CreateOptions& options) {
  if (!options.age_recipients.empty() && !options.gpg_recipients.empty()) {
    throw Error(Kind::usage, "a backup is encrypted with age or with gpg, not with both",
                "give --age-recipient or --gpg-recipient");
  }
  if (!options.age_recipients.empty()) return {backup::Encryption::age, options.age_recipients};
  if (!options.gpg_recipients.empty()) return {backup::Encryption::gpg, options.gpg_recipients};
  return {};
}

backup::Parts parts_of(const CreateOptions& options) {
  return options.tables.empty() ? backup::Parts{backup::Part::checkpoint} : backup::parse_parts(options.tables);
}

/// A path, or the name of a file in --dir.
Backup chosen(const FolderOptions& options, const std::string& file) {
  const bool bare = file.find('/') == std::string::npos;
  return backup::find(bare && !base::exists(file) ? options.folder + "/" + file : file);
}

/// The metric file tells of a failure too, whatever it was; but another backup's run is not ours to judge.
Backup create_and_tell(const CreateOptions& options, Env& env, base::Pulse& pulse) {
  const auto started = base::BootClock::now();
  const auto tell = [&](bool success, std::uint64_t size_bytes) {
    if (options.metrics.empty()) return;
    const std::chrono::duration<double> took = base::BootClock::now() - started;
    backup::write_metrics(options.metrics, {std::time(nullptr), took.count(), success, size_bytes});
  };
  try {
    Progress progress("dumping the checkpoint tables", 0);
    Backup made = backup::create(checkpoint_database(env, "backup create"),
                                 {base::absolute(options.folder), format_of(options.format), recipients_of(options),
                                  parts_of(options), !options.tables.empty()},
                                 backup::Tools(options.programs), pulse,
                                 [&](std::uint64_t done_bytes) { progress.at(done_bytes); });
    tell(true, made.size_bytes);
    return made;
  } catch (const Error& error) {
    const bool other_backup = error.kind() == Kind::busy && dynamic_cast<const db::SqlError*>(&error) == nullptr;
    if (other_backup) throw;
    try {
      tell(false, 0);
    } catch (const Error& second) {
      log::warn("backup.metrics", second.what(), {{"file", options.metrics}});
    }
    throw;
  }
}

/// As create_and_tell; a failure is told to the admins, too, when that was asked for.
Backup create_or_notify(const CreateOptions& options, Env& env, base::Pulse& pulse) {
  try {
    return create_and_tell(options, env, pulse);
  } catch (const Error& e) {
    if (options.notify) {
      agent::tell_backup_failed(agent::ready(env.settings.agent, agent_database(env, "backup create"), {}), e, pulse);
    }
    throw;
  }
}

ExitCode run_create(const CreateOptions& options, Env& env) {
  parts_of(options);  // invalid usage is told before anything else
  SignalPulse pulse(env.signals);
  const Backup made = create_or_notify(options, env, pulse);
  if (env.output == Output::json)
    print_json(to_json(made));
  else
    print_created(made);
  return ExitCode::done;
}

ExitCode run_list(const FolderOptions& options, Env& env) {
  const auto backups = backup::list(base::absolute(options.folder));
  if (env.output == Output::json) {
    auto document = nlohmann::ordered_json::array();
    for (const auto& one : backups) document.push_back(to_json(one));
    print_json(document);
  } else {
    print_list(backups);
  }
  return ExitCode::done;
}

std::vector<Backup> picked(const VerifyOptions& options) {
  if (options.all != options.files.empty()) throw Error(Kind::usage, "name the backups to verify, or say --all");
  if (options.all) return backup::list(base::absolute(options.folder));
  std::vector<Backup> backups;
  for (const auto& file : options.files) backups.push_back(chosen(options, file));
  return backups;
}

backup::Rows proven(const VerifyOptions& options, const Backup& one, Env& env, base::Pulse& pulse) {
  Progress progress("verifying " + one.file, one.size_bytes);
  const auto at = [&](std::uint64_t done_bytes) { progress.at(done_bytes); };
  const backup::Tools tools(options.programs);
  const backup::Reading reading{{options.age_identity}, tools, pulse, at};
  if (!options.restore) return backup::verify(one, reading);
  return backup::verify_by_restoring(checkpoint_database(env, "backup verify"), one, reading);
}

/// Of an error while one backup is examined: whether the others can still be. A signal and an outage are about all.
bool is_about_one_backup(Kind kind) {
  return kind == Kind::difference || kind == Kind::child || kind == Kind::configuration || kind == Kind::failed;
}

ExitCode run_verify(const VerifyOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  const auto backups = picked(options);
  if (backups.empty()) throw Error(Kind::failed, "there is no backup in " + options.folder);
  auto document = nlohmann::ordered_json::array();
  ExitCode code = ExitCode::done;
  for (const Backup& one : backups) {
    Examination seen;
    seen.restored = options.restore;
    try {
      seen.rows = proven(options, one, env, pulse);
      seen.verdict = Examination::Verdict::good;
      backup::note_verified(one, options.restore);
    } catch (Error& error) {
      if (!is_about_one_backup(error.kind())) {
        error.add_context(one.file);
        throw;
      }
      const bool damaged = error.kind() == Kind::difference;
      seen.verdict = damaged ? Examination::Verdict::damaged : Examination::Verdict::unknown;
      seen.problem = error.what();
      seen.hint = error.hint();
      // That one is damaged is known whatever could not be found out of others.
      if (damaged || code == ExitCode::done) code = base::exit_code(error.kind());
    }
    if (env.output == Output::json)
      document.push_back(to_json(one, seen));
    else
      print(one, seen);
  }
  if (env.output == Output::json) print_json(document);
  return code;
}

ExitCode run_restore(const RestoreOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  const Backup one = chosen(options, options.file);
  auto settings = checkpoint_database(env, "backup restore");
  if (!options.into.empty()) settings = backup::with_database(settings, options.into);
  db::raw::Connection connection(settings);
  const std::string database = connection.database();
  if (options.replace) {
    const auto parts = one.record ? backup::parts_of(one.record->rows) : backup::Parts{backup::Part::checkpoint};
    const auto tables = backup::find_tables(connection, parts, pulse);
    const std::string lost = backup::to_text(backup::count_rows(connection, tables, pulse));
    const std::string question =
        lost.empty() ? "restore into database " + database + "?"
                     : "lose the rows of database " + database + " (" + lost + ") for those of " + one.file + "?";
    if (!confirm(env, question)) return ExitCode::failed;
  }
  {
    Progress progress("checking " + one.file, one.size_bytes);
    backup::check_sha256(one, pulse, [&](std::uint64_t done_bytes) { progress.at(done_bytes); });
  }
  Progress progress("restoring " + one.file, one.size_bytes);
  backup::DumpListener nobody;
  const backup::Tools tools(options.programs);
  const backup::Reading reading{
      {options.age_identity}, tools, pulse, [&](std::uint64_t done_bytes) { progress.at(done_bytes); }};
  const auto rows =
      backup::restore(connection, one, reading, {options.replace, env.settings.migrate.ddl_lock_timeout}, nobody);
  if (env.output == Output::json)
    print_json({{"file", one.file}, {"database", database}, {"rows", rows}});
  else
    std::cout << "restored " << one.file << " into database " << database << ": " << backup::to_text(rows) << '\n';
  return ExitCode::done;
}

ExitCode run_prune(const PruneOptions& options, Env& env) {
  if (options.keep.daily + options.keep.weekly == 0) {
    throw Error(Kind::usage, "that would keep no backup at all", "give --keep-daily or --keep-weekly a number");
  }
  SignalPulse pulse(env.signals);
  const auto verdicts = backup::prune(base::absolute(options.folder), options.keep, options.dry_run, pulse);
  if (env.output == Output::json)
    print_json(to_json(verdicts, options.dry_run));
  else
    print_pruned(verdicts, options.dry_run);
  return ExitCode::done;
}

void add_folder(CLI::App& sub, FolderOptions& options) {
  sub.add_option("--dir", options.folder, "The folder of the backups")->capture_default_str();
}

void add_programs(CLI::App& sub, std::string& programs) {
  sub.add_option("--programs", programs, "The folder of pg_dump and pg_restore, when it is not in PATH");
}

void add_reading(CLI::App& sub, ReadOptions& options) {
  add_folder(sub, options);
  sub.add_option("--age-identity", options.age_identity, "A file with the secret key, for what age encrypted");
  add_programs(sub, options.programs);
}

void add_create(CLI::App& parent, Selected& chosen) {
  auto options = std::make_shared<CreateOptions>();
  auto* sub = parent.add_subcommand("create", "Back up the checkpoint tables");
  add_folder(*sub, *options);
  sub->add_option("--format", options->format, "plain.gz, plain.zst or custom (pg_restore's)")
      ->check(CLI::IsMember({"plain.gz", "plain.zst", "custom"}))
      ->capture_default_str();
  sub->add_option("--tables", options->tables, "checkpoint, store (LangGraph's memory), or both: checkpoint,store")
      ->type_name("PARTS");
  sub->add_option("--age-recipient", options->age_recipients, "Encrypt for this public key with age; may be repeated");
  sub->add_option("--gpg-recipient", options->gpg_recipients, "Encrypt for this key with gpg; may be repeated");
  add_programs(*sub, options->programs);
  sub->add_flag("--notify", options->notify, "Tell the admins by mail when it fails");
  sub->add_option("--metrics", options->metrics, "Write time, size and result for node_exporter to this .prom file");
  sub->footer(footer(
      {"wrktalk backup create", "wrktalk backup create --dir /srv/backups --format plain.zst",
       "wrktalk backup create --age-recipient age1... --metrics /var/lib/node_exporter/wrktalk.prom"},
      {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy, ExitCode::configuration,
       ExitCode::database, ExitCode::child, ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"backup create", [options](Env& env) { return run_create(*options, env); }};
  });
}

void add_list(CLI::App& parent, Selected& chosen) {
  auto options = std::make_shared<FolderOptions>();
  auto* sub = parent.add_subcommand("list", "The backups, newest first");
  add_folder(*sub, *options);
  sub->footer(footer({"wrktalk backup list", "wrktalk backup list --dir /srv/backups -o json"},
                     {ExitCode::done, ExitCode::usage, ExitCode::configuration}));
  sub->callback([options, &chosen] {
    chosen = {"backup list", [options](Env& env) { return run_list(*options, env); }};
  });
}

void add_verify_backups(CLI::App& parent, Selected& chosen) {
  auto options = std::make_shared<VerifyOptions>();
  auto* sub = parent.add_subcommand("verify", "Read backups whole, or restore them to prove that it works");
  sub->add_option("FILE", options->files, "Backups: paths, or names of files in --dir");
  sub->add_flag("--all", options->all, "Every backup in --dir");
  sub->add_flag("--restore", options->restore, "Restore into a throw-away database and compare what is there");
  add_reading(*sub, *options);
  sub->footer(footer(
      {"wrktalk backup verify --all", "wrktalk backup verify checkpoint_20260131.sql.gz --restore"},
      {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy, ExitCode::configuration,
       ExitCode::database, ExitCode::child, ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"backup verify", [options](Env& env) { return run_verify(*options, env); }};
  });
}

void add_restore(CLI::App& parent, Selected& chosen) {
  auto options = std::make_shared<RestoreOptions>();
  auto* sub = parent.add_subcommand("restore", "Put a backup's rows in place, all of them or nothing");
  sub->add_option("FILE", options->file, "The backup: a path, or the name of a file in --dir")->required();
  sub->add_option("--into", options->into, "Another database on the same server");
  sub->add_flag("--replace", options->replace, "Lose the rows that are there");
  add_reading(*sub, *options);
  sub->footer(footer(
      {"wrktalk backup restore checkpoint_20260131.sql.gz --into rehearsal",
       "wrktalk backup restore /srv/backups/checkpoint_20260131.sql.zst --replace",
       "wrktalk backup restore checkpoint_20260131.sql.gz.age --age-identity /run/secrets/age.key"},
      {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy, ExitCode::configuration,
       ExitCode::database, ExitCode::child, ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"backup restore", [options](Env& env) { return run_restore(*options, env); }};
  });
}

void add_prune(CLI::App& parent, Selected& chosen) {
  auto options = std::make_shared<PruneOptions>();
  auto* sub = parent.add_subcommand("prune", "Remove old backups, never the last one that is known to be good");
  add_folder(*sub, *options);
  sub->add_option("--keep-daily", options->keep.daily, "Keep the newest of each of so many days that have one")
      ->capture_default_str();
  sub->add_option("--keep-weekly", options->keep.weekly, "Keep the newest of each of so many weeks that have one")
      ->capture_default_str();
  sub->add_flag("--dry-run", options->dry_run, "Say what would go, remove nothing");
  sub->footer(footer({"wrktalk backup prune --keep-daily 7 --keep-weekly 4", "wrktalk backup prune --dry-run"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy,
                      ExitCode::configuration, ExitCode::interrupted, ExitCode::terminated}));
  sub->callback([options, &chosen] {
    chosen = {"backup prune", [options](Env& env) { return run_prune(*options, env); }};
  });
}

}  // namespace

void add_backup(CLI::App& app, Selected& chosen) {
  auto* parent = app.add_subcommand("backup", "Backups of the checkpoint tables: create, list, verify, restore, prune")
                     ->group("Database");
  parent->require_subcommand(1);
  add_create(*parent, chosen);
  add_list(*parent, chosen);
  add_verify_backups(*parent, chosen);
  add_restore(*parent, chosen);
  add_prune(*parent, chosen);
}

}  // namespace wrktalk::cmd
