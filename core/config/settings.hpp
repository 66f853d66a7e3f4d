// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/db/settings.hpp"
#include "core/log/settings.hpp"
#include "core/migrate/settings.hpp"
#include "core/secrets/settings.hpp"
#include "core/settings/definition.hpp"

#include <map>
#include <string>
#include <vector>

/// Collects the settings that the modules declare, and decides what each is: flag > WRKTALK_AGENT_* > Vault or pg_env.sh > libpq's PG* > config
/// file > default, here and nowhere else.
namespace wrktalk::config {

/// Every setting but the application's databases (named_databases.hpp), in the order of the manual: the single list that `config show`, the man pages' ENVIRONMENT and the flags are made from.
const std::vector<settings::Definition>& definitions();

/// What was said where. An empty text counts as not said.
struct Inputs {
  std::map<std::string, std::string> flags;  ///< by flag, "--db-host"
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> lent;    ///< libpq's variables as Vault lends them
  std::map<std::string, std::string> pg_env;  ///< the variables of --pg-env FILE
  std::string pg_env_path;
  std::map<std::string, std::string> file;  ///< by key, as parse_file read it
  std::string file_path;
  std::string host_name;  ///< the default of agent.id
  bool opens_secret_files =
      true;  ///< false: a secret that a *_FILE names is empty, and nobody looks whether the file is there
};

/// Every key with its winning value. Throws Error(configuration) for an unknown key in the file (with a suggestion), a *_FILE that cannot be
/// read or that another user could change, or a secret given both as itself and as a file.
settings::Values resolve(const Inputs& inputs);

/// PG* variables that name a connection setting: what `pg_env.sh` may set.
std::vector<std::string> pg_variables();

/// The typed result: every value checked once, here. What PG* variables say of a database is left to libpq and not repeated, so that service
/// files, PGPASSFILE and several hosts work; a named service also keeps our file and defaults out.
struct Settings {
  db::ConnectionSettings agent_db;
  /// checkpoint.* first, then PG*, then agent_db's without its database name.
  db::ConnectionSettings checkpoint_db;
  agent::Settings agent;
  migrate::Settings migrate;
  log::Options log;
};

/// Throws Error(configuration) naming the value's origin and what it may be. `values` hold every key.
Settings parse(const settings::Values& values);

/// What `config show` prints: a secret as "***", an empty one as "".
std::string shown(const settings::Definition& definition, const settings::Value& value);

}  // namespace wrktalk::config
