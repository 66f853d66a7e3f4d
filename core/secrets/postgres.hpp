// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <utility>
#include <vector>

namespace wrktalk::secrets {

/// libpq's variables and their values, the password among them: {"PGHOST", "db.example"}, ...
using Variables = std::vector<std::pair<std::string, std::string>>;

/// What the fields of a secret say: host, port, database, username, password, and sslmode when it is there. Others are
/// left alone. Throws Error(configuration) that names `path` and the field, never a value.
Variables variables_of(const nlohmann::json& fields, const std::string& path);

/// The lines of a pg_env.sh: a shell that sources them gets these very values, and so does `--pg-env`.
std::string export_lines(const Variables& variables);

/// The same without the password, to be shown.
Variables without_password(const Variables& variables);

/// Puts `export_lines` in place, 0600, whole or not at all. Throws Error naming the path.
void write_pg_env(const std::string& path, const Variables& variables);

/// Refuses a path that could not be written, before anything is asked of Vault, and warns in the log when its folder is
/// not in memory. Throws Error(configuration).
void check_pg_env_path(const std::string& path);

}  // namespace wrktalk::secrets
