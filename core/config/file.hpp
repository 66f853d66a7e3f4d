// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::config {

/// The keys of a config file in TOML 1.0: "section.key", with its value as text; a list's values joined by ",". Dates, times and lists of lists or
/// tables are refused. Throws Error(configuration) naming `path` and the line, never a value.
std::map<std::string, std::string> parse_file(std::string_view text, const std::string& path);

/// The variables of a `pg_env.sh`: lines `export NAME="value"` with a shell's quoting, comments and blank lines.
/// What only a shell could answer (expansions, commands) and names not in `allowed` are refused.
/// Throws Error(configuration) naming `path` and the line, never a value.
std::map<std::string, std::string> parse_pg_env(std::string_view text, const std::string& path,
                                                const std::vector<std::string>& allowed);

}  // namespace wrktalk::config
