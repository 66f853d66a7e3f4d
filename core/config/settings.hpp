// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/target_kind.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// flag > WRKTALK_AGENT_* > pg_env.sh > libpq's PG* > config file > default, decided here and nowhere else.
namespace wrktalk::config {

/// One setting as documented: `definitions()` is the single list that `config show`, the man pages' ENVIRONMENT and
/// the flags are made from.
struct Definition {
  const char* key;            ///< in the config file and `config show`: "db.host"
  const char* variable;       ///< "WRKTALK_AGENT_DB_HOST"; a secret is also read from the file that VARIABLE_FILE names
  const char* pg_variables;   ///< "PGHOST", several with a blank between, the first that is set counts; or ""
  const char* flags;          ///< "--db-host", several as in `pg_variables`, or ""; two definitions may share one
  const char* default_value;  ///< "" when there is none
  bool secret;
  const char* help;  ///< what --help and the man page say
};
const std::vector<Definition>& definitions();

/// In the order of precedence: a later one wins.
enum class Source { default_value, file, pg_environment, pg_env_file, environment, flag };
const char* to_text(Source source) noexcept;

struct Value {
  std::string text;  ///< never shown when the definition says secret
  Source source = Source::default_value;
  std::string origin;  ///< "WRKTALK_AGENT_DB_HOST", "/etc/wrktalk/wrktalk.toml", "--db-host", "default"
  std::string path;    ///< the file that a secret was read from; empty: none
};
using Values = std::map<std::string, Value>;  ///< by key

/// What was said where. An empty text counts as not said.
struct Inputs {
  std::map<std::string, std::string> flags;  ///< by flag, "--db-host"
  std::map<std::string, std::string> environment;
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
Values resolve(const Inputs& inputs);

/// PG* variables that name a connection setting: what `pg_env.sh` may set.
std::vector<std::string> pg_variables();

/// Keywords of libpq and their values, passwords among them.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// A conninfo string or URI taken apart; throws Error(configuration) when it is none.
using DsnParser = std::function<Parameters(const std::string& dsn)>;

/// One database, ready for db::ConnectionSettings. What PG* variables say is left to libpq and not repeated here, so that
/// service files, PGPASSFILE and several hosts work; a named service also keeps our file and defaults out.
struct Database {
  Parameters parameters;
};

enum class SmtpTls { automatic, starttls, from_the_start, none };
enum class MaintenanceHandler { none, nginx, haproxy, command };

enum class HelmFields { take, leave };
enum class HelmCrds { leave, apply };
enum class PolicyLevel { allow, warn, strict };
enum class PolicyAction { allow, warn, refuse };

enum class VaultAuth { kubernetes, jwt, approle, token };

/// Where credentials may come from instead; what is missing is found out when it is used.
struct Vault {
  bool use = false;
  std::string address;
  std::string ca_file;  ///< empty: the system's
  bool skip_verify = false;
  bool insecure = false;                ///< whether `skip_verify` is meant
  std::vector<std::string> allow_http;  ///< as in Settings
  std::string namespace_;
  VaultAuth auth = VaultAuth::kubernetes;
  std::string auth_mount;
  std::string role;
  std::string jwt_file;
  std::string role_id;
  std::string secret_id;
  std::string token;
  std::string path;
  std::chrono::milliseconds timeout{};
};

/// The typed result: every value checked once, here.
struct Settings {
  Database agent_db;
  /// checkpoint.* first, then PG*, then agent_db's without its database name.
  Database checkpoint_db;
  Vault vault;

  base::TargetKind deployment_type = base::TargetKind::host;
  std::string kube_namespace;
  std::string helm_release_name;
  std::chrono::milliseconds helm_timeout{};
  std::string helm_bin;
  std::string kubectl_bin;
  HelmFields helm_fields = HelmFields::take;
  HelmCrds helm_crds = HelmCrds::leave;
  std::string compose_project_name;
  std::string compose_working_dir;
  std::string compose_bin;  ///< empty: whichever compose is there
  std::chrono::milliseconds compose_timeout{};
  std::chrono::milliseconds compose_settle{};
  std::string host_root;
  std::string host_activate;  ///< empty: none
  std::string host_health;    ///< empty: none
  std::chrono::milliseconds host_timeout{};

  PolicyLevel policy_level = PolicyLevel::warn;
  std::map<std::string, PolicyAction> policy_rules;  ///< those that are set, by the key's part after "policy."
  std::vector<std::string> policy_data_dirs;         ///< absolute
  std::vector<std::string> policy_images;
  std::uint64_t limit_unpacked_bytes = 0;
  std::uint64_t limit_entries = 0;
  std::uint64_t limit_ratio = 0;
  std::uint64_t limit_chart_unpacked_bytes = 0;
  std::uint64_t limit_chart_entries = 0;

  std::string agent_id;
  std::vector<std::string> targets;  ///< names besides the default one
  std::chrono::milliseconds poll_interval{};
  std::chrono::milliseconds heartbeat_interval{};
  std::chrono::milliseconds grace{};
  std::string secrets_dir;  ///< empty: /dev/shm, else TMPDIR
  std::chrono::milliseconds ddl_lock_timeout{};
  MaintenanceHandler maintenance_handler = MaintenanceHandler::nginx;
  std::string maintenance_flag;
  std::string maintenance_reload;  ///< empty: none
  std::string maintenance_on;
  std::string maintenance_off;
  std::string maintenance_probe;  ///< the site's address; empty: none
  std::string haproxy_socket;     ///< empty: none
  std::string haproxy_map;        ///< empty: none
  std::string haproxy_key;
  std::vector<std::string> haproxy_servers;
  std::string smtp_ca_file;  ///< empty: the system's
  SmtpTls smtp_tls = SmtpTls::automatic;
  std::string smtp_helo;       ///< empty: found out
  std::string smtp_source;     ///< empty: any address of this machine
  std::string webhook_url;     ///< a secret; empty: none
  std::string webhook_secret;  ///< empty: not signed
  std::string webhook_ca_file;
  std::vector<std::string> allow_http;  ///< HOST or HOST:PORT, in small letters
  std::string log_level;                ///< as log::parse_level takes it
  std::string log_format;               ///< "text" | "json"
};

/// Throws Error(configuration) naming the value's origin and what it may be. `values` hold every key.
Settings parse(const Values& values, const DsnParser& parse_dsn);

/// What `config show` prints: a secret as "***", an empty one as "".
std::string shown(const Definition& definition, const Value& value);

}  // namespace wrktalk::config
