// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// flag > WRKTALK_AGENT_* > libpq's PG* > config file > default, decided here and nowhere else.
namespace wrktalk::config {

/// One setting as documented: the table in settings.cpp is the single list that `config show`, the man pages' ENVIRONMENT and
/// the flags are made from.
struct Definition {
  const char* key;            ///< in the config file and `config show`: "db.host"
  const char* variable;       ///< "WRKTALK_AGENT_DB_HOST"; a secret is also read from the file that VARIABLE_FILE names
  const char* pg_variable;    ///< "PGHOST" or ""
  const char* default_value;  ///< "" when there is none
  bool secret;
  const char* help;
};
const std::vector<Definition>& definitions();

enum class Source { default_value, file, pg_environment, environment, secret_file, flag };

struct Value {
  std::string text;  ///< never shown when the definition says secret
  Source source = Source::default_value;
  std::string origin;  ///< "WRKTALK_AGENT_DB_HOST", "/etc/wrktalk/wrktalk.toml", "--db-host", "default"
};

/// What was said where. `environment` maps names to values (a copy of environ, or a test's).
struct Inputs {
  std::map<std::string, std::string> flags;  ///< by key
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> file;  ///< by key, as cmd/ read it
  std::string file_path;
};

/// Every key with its winning value. Throws Error(configuration) for an unknown key in the file (with a suggestion) or an
/// unreadable *_FILE.
std::map<std::string, Value> resolve(const Inputs& inputs);

/// Connection keywords of one database, ready for db::ConnectionSettings.
struct Database {
  std::vector<std::pair<std::string, std::string>> parameters;
};

enum class DeploymentType { kubernetes, docker, host };
enum class MaintenanceHandler { none, nginx, haproxy, command };

/// The typed result: every value checked once, here.
struct Settings {
  Database agent_db;
  Database
      checkpoint_db;  ///< WRKTALK_AGENT_CHECKPOINT_*, what is not named is taken from PG* and then from agent_db's host, port, user, password, sslmode
  std::string database_log;  ///< reserved for messages: how agent_db was chosen

  DeploymentType deployment_type = DeploymentType::host;
  std::string kube_namespace = "wrktalk";
  std::string helm_release_name = "wrktalk";
  std::chrono::milliseconds helm_timeout{600'000};
  std::string helm_bin = "helm";
  std::string compose_project_name = "wrktalk";
  std::string compose_working_dir = "/tmp/wrktalk";
  std::string compose_bin;
  std::chrono::milliseconds compose_timeout{600'000};
  std::string host_root = "/var/lib/wrktalk";
  std::string host_activate;
  std::string host_health;
  std::chrono::milliseconds host_timeout{600'000};

  std::string agent_id;              ///< default: the host's name
  std::vector<std::string> targets;  ///< names besides the default one
  std::chrono::milliseconds poll_interval{30'000};
  std::chrono::milliseconds heartbeat_interval{60'000};
  std::chrono::milliseconds grace{30'000};
  std::chrono::milliseconds ddl_lock_timeout{5'000};
  MaintenanceHandler maintenance_handler = MaintenanceHandler::nginx;
  std::string maintenance_flag = "/tmp/maintenance-mode";
  std::string log_level = "INFO";
  std::string log_format = "text";
};

/// Throws Error(configuration) naming the value's origin and what it may be.
Settings parse(const std::map<std::string, Value>& values);

/// What `config show` prints: secrets as "***", empty ones as "".
std::string shown(const Definition& definition, const Value& value);

}  // namespace wrktalk::config
