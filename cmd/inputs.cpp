// SPDX-License-Identifier: Apache-2.0
#include "cmd/inputs.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/config/file.hpp"
#include "core/config/named_databases.hpp"
#include "core/db/exposure.hpp"
#include "core/log/log.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <unistd.h>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kDefaultFile = "/etc/wrktalk/wrktalk.toml";
constexpr std::size_t kLargestFile = 1024 * 1024;

const char* group_of(const std::string& key) {
  const std::string section = key.substr(0, key.find('.'));
  if (section == "db" || section == "checkpoint") return "Database";
  if (section == "vault") return "Vault";
  return section == "log" ? "Output" : "Agent and targets";
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** item = environ; *item != nullptr; ++item) {
    const std::string_view text = *item;
    const std::size_t sign = text.find('=');
    if (sign != std::string_view::npos) variables.emplace(text.substr(0, sign), text.substr(sign + 1));
  }
  return variables;
}

/// Whoever can change it decides what we do.
std::string read(const std::string& path, const std::string& what) {
  base::require_trusted(path, what + " " + path);
  try {
    return base::read_file(path, kLargestFile);
  } catch (const Error& e) {
    throw Error(Kind::configuration, e.what(), "check the path and that this user may read the file");
  }
}

void remark_when_others_may_read(const std::string& path, std::vector<Remark>& out) {
  if (!base::is_read_by_others(path)) return;
  out.push_back({"config.readable_by_others", path + " holds a secret and other users may read it: chmod 600 it"});
}

/// Whether it would be encrypted decides who is in between.
void warn_of_exposure(const db::Exposure& found, const std::string& setting) {
  log::warn("db.plain_connection", "sslmode is " + found.ssl_mode + " for " + found.host +
                                       ": whoever is on the way there may read and change what is said; set " +
                                       setting +
                                       " to verify-full, and PGSSLROOTCERT to the CA of the server's certificate");
}

bool holds_password(const std::map<std::string, std::string>& keys) {
  for (const auto& item : config::definitions()) {
    if (item.is_secret() && keys.count(item.key) != 0) return true;
  }
  if (std::any_of(keys.begin(), keys.end(), [](const auto& key) { return config::database_of_key(key.first); }))
    return true;
  return keys.count("PGPASSWORD") != 0;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

/// Passwords are known to the log before anything can be logged that holds them.
void hide_secrets(const Env& env) {
  for (const auto& item : config::definitions()) {
    if (item.is_secret()) log::add_secret(base::Secret(env.values.at(item.key).text));
  }
  for (const auto& one : config::named_databases(env.values))
    log::add_secret(base::Secret(env.values.at(one.key).text));
  std::vector<const db::ConnectionSettings*> databases = {&env.settings.agent_db, &env.settings.checkpoint_db};
  for (const auto& [name, database] : env.settings.agent.app_databases) databases.push_back(&database);
  for (const auto* database : databases) {
    for (const auto& [keyword, value] : database->parameters) {
      if (keyword == "password" || keyword == "sslpassword") log::add_secret(base::Secret(value));
    }
  }
}

}  // namespace

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option("-o,--output", globals.output, "Results as text or json, on stdout")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT")
      ->group("Output");
  for (const auto& item : config::definitions()) {
    const std::string flag = base::split(item.flags, ' ').front();
    if (flag.empty() || app.get_option_no_throw(flag) != nullptr) continue;
    std::string help = item.help;
    if (item.default_value[0] != '\0') help += std::string(" (default: ") + item.default_value + ")";
    const auto keep = [&globals, flag](const std::string& text) { globals.flags[flag] = text; };
    auto* option = item.form == settings::Form::toggle
                       ? app.add_flag_callback(
                             flag, [keep] { keep("true"); }, item.help)
                       : app.add_option_function<std::string>(flag, keep, help)->type_name("VALUE");
    option->group(group_of(item.key));
  }
  app.add_flag("--no-color", globals.no_color, "No colours, as with NO_COLOR set")->group("Output");
  app.add_option("--pg-env", globals.pg_env_file, "Read PG* variables from FILE (pg_env.sh), without a shell")
      ->type_name("FILE")
      ->group("Database")
      ->excludes("--vault");
  app.add_option("--config", globals.config_file,
                 std::string("Config file (default: ") + kDefaultFile + " when it is there)")
      ->type_name("FILE");
  app.add_flag("-y,--yes", globals.yes, "Do not ask before something is destroyed");
}

config::Inputs gather(const Globals& globals) {
  config::Inputs in;
  in.flags = globals.flags;
  in.environment = environment();
  in.host_name = host_name();
  if (!globals.pg_env_file.empty()) {
    in.pg_env_path = globals.pg_env_file;
    in.pg_env =
        config::parse_pg_env(read(in.pg_env_path, "the environment file"), in.pg_env_path, config::pg_variables());
  }
  in.file_path = globals.config_file;
  if (in.file_path.empty()) in.file_path = in.environment[config::kFileVariable];
  if (in.file_path.empty() && base::exists(kDefaultFile)) in.file_path = kDefaultFile;
  if (!in.file_path.empty()) {
    in.file = config::parse_file(read(in.file_path, "the config file"), in.file_path);
  }
  return in;
}

void settle(Env& env, const config::Inputs& inputs) {
  env.values = config::resolve(inputs);
  env.settings = config::parse(env.values);
  env.unknown = config::unknown_variables(inputs.environment);
  hide_secrets(env);
}

std::vector<Remark> remarks_on(const Env& env, const config::Inputs& inputs) {
  std::vector<Remark> remarks;
  if (holds_password(inputs.pg_env)) remark_when_others_may_read(inputs.pg_env_path, remarks);
  if (holds_password(inputs.file)) remark_when_others_may_read(inputs.file_path, remarks);
  for (const auto& [key, value] : env.values) {
    if (!value.path.empty()) remark_when_others_may_read(value.path, remarks);
  }
  for (const auto& unknown : env.unknown) remarks.push_back({"config.unknown_variable", config::to_text(unknown)});
  return remarks;
}

void warn_of_exposed(const Env& env) {
  const auto agent = db::exposure(agent_database(env, "start"));
  const auto checkpoint = db::exposure(checkpoint_database(env, "start"));
  if (agent) warn_of_exposure(*agent, "WRKTALK_AGENT_DB_SSL_MODE");
  if (checkpoint && !(agent && agent->host == checkpoint->host)) {
    warn_of_exposure(*checkpoint, "WRKTALK_AGENT_CHECKPOINT_SSL_MODE");
  }
}

}  // namespace wrktalk::cmd
