// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate_set.hpp"

#include "core/base/error.hpp"

#include <CLI/CLI.hpp>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::Kind;

bool is_agents(const SetOptions& options) { return options.dir.empty() && options.set == "agent"; }

}  // namespace

void add_set_options(CLI::App& command, SetOptions& options) {
  command.add_option("--set", options.set, "checkpoint (the default) or agent; with --dir, the ledger's name for it");
  command.add_option("--dir", options.dir, "Folder with files of your own, NNN_name.up.sql and NNN_name.down.sql");
}

migrate::Set chosen_set(const SetOptions& options) {
  if (options.dir.empty()) return migrate::embedded_set(options.set.empty() ? "checkpoint" : options.set);
  const std::string name = options.set.empty() ? "default" : options.set;
  if (name == "agent" || name == "checkpoint") {
    throw Error(Kind::usage, "--set " + name + " is the program's own set, not a folder's", "choose another name");
  }
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos) {
    throw Error(Kind::usage, "--set takes a name of small letters, digits, - and _", "choose another name");
  }
  return migrate::read_set(options.dir, name);
}

db::ConnectionSettings database_of(const SetOptions& options, const Env& env, const std::string& name) {
  return is_agents(options) ? agent_database(env, name) : checkpoint_database(env, name);
}

bool is_from_vault(const SetOptions& options, const Env& env) {
  const std::string key = is_agents(options) ? "db.password" : "checkpoint.password";
  const auto source = env.values.at(key).source;
  return source == settings::Source::vault || source == settings::Source::pg_env_file;
}

}  // namespace wrktalk::cmd
