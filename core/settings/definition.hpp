// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

/// How a setting is declared and its value read. Each module declares its own: `setting_fields()`. core/config collects them and
/// decides: flag > WRKTALK_AGENT_* > Vault or pg_env.sh > libpq's PG* > config file > default.
namespace wrktalk::settings {

enum class Form {
  value,
  toggle,  ///< true or false; its flag takes no value
  secret,  ///< never shown; also read from the file that VARIABLE_FILE names
};

/// One setting as documented: `config show`, the man pages' ENVIRONMENT and the flags are made from these.
struct Definition {
  const char* key;                 ///< in the config file and `config show`: "db.host"
  const char* variable = nullptr;  ///< "WRKTALK_AGENT_DB_HOST"; nullptr: another module declares this key
  const char* pg_variables = "";   ///< "PGHOST", several with a blank between, the first that is set counts; or ""
  const char* flags = "";          ///< "--db-host", several as in `pg_variables`, or ""; two definitions may share one
  const char* default_value = "";  ///< "" when there is none
  Form form = Form::value;
  const char* help = "";  ///< what --help and the man page say

  constexpr bool is_declared() const noexcept { return variable != nullptr; }
  constexpr bool is_secret() const noexcept { return form == Form::secret; }
};

/// In the order of precedence: a later one wins.
enum class Source { default_value, file, pg_environment, pg_env_file, vault, environment, flag };
const char* to_text(Source source) noexcept;

struct Value {
  std::string text;  ///< never shown when the definition says secret
  Source source = Source::default_value;
  std::string origin;  ///< "WRKTALK_AGENT_DB_HOST", "/etc/wrktalk/wrktalk.toml", "--db-host", "default"
  std::string path;    ///< the file that a secret was read from; empty: none
};
using Values = std::map<std::string, Value>;  ///< by key

}  // namespace wrktalk::settings
