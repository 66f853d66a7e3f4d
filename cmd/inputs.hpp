// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/config/settings.hpp"

#include <map>
#include <string>

namespace wrktalk::cmd {

/// What the flags that every command has said.
struct Globals {
  std::map<std::string, std::string> flags;  ///< of config::definitions(), by flag
  std::string config_file;
  std::string pg_env_file;
  std::string output = "text";
  bool no_color = false;
  bool yes = false;
};

/// `globals` must outlive the parse.
void add_globals(CLI::App& app, Globals& globals);

/// Flags, environment and files, read and put side by side. Throws Error(configuration).
config::Inputs gather(const Globals& globals);

/// Decides `env`'s values and settings; their secrets are known to the log from then on. Throws Error(configuration).
void settle(Env& env, const config::Inputs& inputs);

/// What looks wrong but stops nothing: secrets that other users may read, variables that are no settings.
std::vector<Remark> remarks_on(const Env& env, const config::Inputs& inputs);
/// Tells in the log of databases on other hosts without certain encryption. The log of a Job is read line by line: it is not told there.
void warn_of_exposed(const Env& env);

}  // namespace wrktalk::cmd
