// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/exit_code.hpp"
#include "core/base/pulse.hpp"
#include "core/config/settings.hpp"
#include "core/config/unknown.hpp"
#include "core/db/settings.hpp"
#include "core/exec/signals.hpp"
#include "core/secrets/credentials.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

/// The thin front end: one file a subcommand; parsing only selects, work starts after it.
namespace wrktalk::cmd {

enum class Output { text, json };

/// What looks wrong in the settings, for the log and for `doctor`.
struct Remark {
  const char* event;
  std::string text;
};

/// What every command gets: settings as decided, and how to talk to the user.
struct Env {
  config::Settings settings;
  settings::Values values;  ///< for `config show`
  Output output = Output::text;
  bool no_color = false;  ///< --no-color, for `print_error`
  bool yes = false;       ///< -y: do not ask
  exec::Signals& signals;
  secrets::Credentials* credentials =
      nullptr;            ///< for a daemon: where others come from when the database refuses these
  int interrupt_fd = -1;  ///< readable while `signals` holds SIGINT or SIGTERM
  std::vector<config::UnknownVariable> unknown{};  ///< for `config show`
  std::vector<Remark> remarks{};
};

/// What the parser chose. `run` is called once, after parsing.
struct Selected {
  std::string name;  ///< "migrate up", for application_name and messages
  std::function<base::ExitCode(Env&)> run;
  bool bare = false;      ///< settings are neither read nor checked: `run` needs none
  bool offline = false;   ///< no database is used: --vault changes nothing
  bool probe = false;     ///< asked every few seconds: what looks wrong in the settings is not told each time
  bool examines = false;  ///< what is wrong with settings and Vault is for `run` to tell
  bool daemon = false;    ///< lives long: a login to Vault is kept, others are given up before `run`
};

/// argv to exit code; the only place that handles Error. `main` is one line over it.
int run(int argc, char** argv);

/// The end of a command's help: its examples, a line each, and the exit codes it may give.
std::string footer(std::initializer_list<const char*> examples, std::initializer_list<base::ExitCode> codes);

// One a file. Each adds its subcommand, its help with examples, and what to run.
void add_migrate(CLI::App& app, Selected& chosen);
void add_verify(CLI::App& app, Selected& chosen);
void add_backup(CLI::App& app, Selected& chosen);
void add_checkpoints(CLI::App& app, Selected& chosen);
void add_release(CLI::App& app, Selected& chosen);
void add_release_prune(CLI::App& release, Selected& chosen);  ///< a subcommand of `release`
void add_registry(CLI::App& app, Selected& chosen);
void add_site(CLI::App& app, Selected& chosen);
void add_poll(CLI::App& app, Selected& chosen);
void add_deploy(CLI::App& app, Selected& chosen);
void add_rollback(CLI::App& app, Selected& chosen);
void add_maintenance(CLI::App& app, Selected& chosen);
void add_notify(CLI::App& app, Selected& chosen);
void add_task(CLI::App& app, Selected& chosen);
void add_task_prune(CLI::App& task, Selected& chosen);  ///< a subcommand of `task`
void add_status(CLI::App& app, Selected& chosen);
void add_health(CLI::App& app, Selected& chosen);
void add_doctor(CLI::App& app, Selected& chosen);
void add_secrets(CLI::App& app, Selected& chosen);
void add_config(CLI::App& app, Selected& chosen);
void add_completion(CLI::App& app, Selected& chosen);

/// Ready to connect, with our defaults and application_name=wrktalk/NAME; the password is known to the log's redaction.
db::ConnectionSettings agent_database(const Env& env, const std::string& name);
db::ConnectionSettings checkpoint_database(const Env& env, const std::string& name);

/// JSON on stdout alone, one document, indented by two.
void print_json(const nlohmann::ordered_json& document);

/// Columns as kubectl prints them: upper-case heads, three blanks between, no trailing blanks.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Asks on a terminal; true with --yes. Without a terminal and without --yes throws Error(usage) that names --yes.
bool confirm(const Env& env, const std::string& question);

/// A progress line on a terminal's stderr, redrawn at most ten times a second; a plain line each ten seconds elsewhere.
class Progress {
 public:
  /// `total_bytes` zero: not known.
  Progress(std::string what, std::uint64_t total_bytes);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void at(std::uint64_t done_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Ends the work under way when the user presses ^C or the process is asked to end: throws Error(interrupted | terminated).
class SignalPulse : public base::Pulse {
 public:
  explicit SignalPulse(exec::Signals& signals) : signals_(signals) {}
  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

 private:
  exec::Signals& signals_;
};

}  // namespace wrktalk::cmd
