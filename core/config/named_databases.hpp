// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/definition.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// The application's databases, which releases name in their manifests: database "app" is WRKTALK_AGENT_APP_DSN, or `app` in the section `databases` of the
/// config file. Which there are is not known beforehand, so that they are no rows of `definitions()`.
namespace wrktalk::config {

/// A setting of one: its key is "databases.app", its form a secret.
struct NamedDatabase {
  std::string name;      ///< "app"
  std::string key;       ///< "databases.app"
  std::string variable;  ///< "WRKTALK_AGENT_APP_DSN"
};

/// What the variable would set, also WRKTALK_AGENT_APP_DSN_FILE; nothing for a setting of another kind, and for what is most likely a slip of the pen in
/// WRKTALK_AGENT_CHECKPOINT_DSN.
std::optional<NamedDatabase> database_of_variable(const std::string& variable);

/// The same of a key of the config file, also "databases.app_file".
std::optional<NamedDatabase> database_of_key(const std::string& key);

/// Those that have a value, by name.
std::vector<NamedDatabase> named_databases(const settings::Values& values);

}  // namespace wrktalk::config
