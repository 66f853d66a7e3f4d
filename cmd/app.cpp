// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"

#include "cmd/help.hpp"
#include "cmd/inputs.hpp"
#include "cmd/terminal.hpp"
#include "core/base/error.hpp"
#include "core/base/nearest.hpp"
#include "core/log/log.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <iterator>
#include <string_view>
#include <sys/signalfd.h>
#include <unistd.h>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;

struct Command {
  std::string_view name;
  void (*add)(CLI::App& app, Selected& chosen);
};

constexpr Command kCommands[] = {
    {"poll", add_poll},
    {"deploy", add_deploy},
    {"rollback", add_rollback},
    {"status", add_status},
    {"health", add_health},
    {"doctor", add_doctor},
    {"task", add_task},
    {"maintenance", add_maintenance},
    {"notify", add_notify},
    {"migrate", add_migrate},
    {"verify", add_verify},
    {"backup", add_backup},
    {"checkpoints", add_checkpoints},
    {"release", add_release},
    {"registry", add_registry},
    {"site", add_site},
    {"secrets", add_secrets},
    {"config", add_config},
    {"completion", add_completion},
};

/// To describe every option of every command takes longer than a short command does: where `first_word` names one, it is
/// the only one added. Completion knows them all.
void add_commands(CLI::App& app, Selected& chosen, std::string_view first_word) {
  const bool is_one =
      first_word != "completion" && std::any_of(std::begin(kCommands), std::end(kCommands),
                                                [&](const auto& command) { return command.name == first_word; });
  for (const auto& command : kCommands) {
    if (!is_one || command.name == first_word) command.add(app, chosen);
  }
}

/// Readable while a signal that asks the process to end waits to be read from exec::Signals, and never read itself. The
/// descriptor of exec::Signals will not do: it is readable for a child that has ended, too.
base::Fd interrupt_descriptor() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int number : {SIGTERM, SIGINT}) ::sigaddset(&ours, number);
  base::Fd fd(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) base::throw_errno(Kind::failed, "cannot listen for signals");
  return fd;
}

/// A wait for the database that a signal has ended is told as what it is.
ExitCode run_interruptibly(const Selected& chosen, Env& env) {
  try {
    return chosen.run(env);
  } catch (const Error& error) {
    if (error.kind() == Kind::connection_lost) SignalPulse(env.signals).tick();
    throw;
  }
}

ExitCode execute(const Globals& globals, const Selected& chosen) {
  exec::Signals signals;
  const base::Fd interrupt = interrupt_descriptor();
  Env env{config::Settings(),
          {},
          globals.output == "json" ? Output::json : Output::text,
          globals.no_color,
          globals.yes,
          signals,
          nullptr,
          interrupt.get(),
          {}};
  config::Inputs inputs;
  if (!chosen.bare) {
    inputs = gather(globals);
    // A probe needs none, and one that is gone for a moment is no reason to end an agent that works.
    inputs.opens_secret_files = !chosen.probe;
    settle(env, inputs);
    env.settings.log.color = wants_color(STDERR_FILENO, globals.no_color);
    log::set_up(env.settings.log);
    env.remarks = remarks_on(env, inputs);
    if (!chosen.probe && !chosen.examines) {
      for (const auto& remark : env.remarks) log::warn(remark.event, remark.text);
    }
    if (!chosen.probe && (chosen.daemon || chosen.offline)) warn_of_exposed(env);
  }
  std::unique_ptr<secrets::Credentials> credentials;
  secrets::Settings vault = env.settings.agent.vault;
  vault.use = vault.use && !chosen.offline && globals.pg_env_file.empty();
  if (chosen.daemon || vault.use) {
    SignalPulse pulse(env.signals);
    const auto read_settings = [&env, &globals](const secrets::Variables& lent) {
      config::Inputs again = gather(globals);
      again.lent = {lent.begin(), lent.end()};
      settle(env, again);
      return agent_database(env, "poll");
    };
    try {
      credentials = secrets::make_credentials(vault, read_settings, pulse);
    } catch (const Error& error) {
      if (!chosen.examines || error.kind() == Kind::interrupted || error.kind() == Kind::terminated) throw;
    }
    if (!chosen.daemon) credentials.reset();
  }
  env.credentials = credentials.get();
  const ExitCode code = run_interruptibly(chosen, env);
  if (!flush_stdout()) throw Error(Kind::failed, "cannot write to stdout", "check free space where it goes");
  return code;
}

struct FlushedLog {
  FlushedLog() = default;
  FlushedLog(const FlushedLog&) = delete;
  FlushedLog& operator=(const FlushedLog&) = delete;
  ~FlushedLog() { log::flush(); }
};

/// The command that the words on the command line reached.
const CLI::App& reached(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

std::string path_of(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : path_of(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> names_of_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* sub : command.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> names_of_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* level = &command; level != nullptr; level = level->get_parent()) {
    for (const auto* option : level->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = reached(app);
  const std::string see = "see `" + path_of(command) + " --help`";
  const std::vector<std::string> strange = app.remaining(true);
  if (strange.empty()) {
    const bool nothing_said = command.get_require_subcommand_min() > 0;
    return Error(Kind::usage, nothing_said ? path_of(command) + " needs a command" : error.what(), see);
  }
  const std::string& word = strange.front();
  const bool option = word.front() == '-';
  const std::vector<std::string> known = option ? names_of_options(command) : names_of_commands(command);
  const std::string what = option ? "unknown option '" : known.empty() ? "unexpected argument '" : "unknown command '";
  const auto meant = base::nearest(word.substr(0, word.find('=')), known);
  return Error(Kind::usage, what + word + "'", meant ? "did you mean '" + *meant + "'? Or " + see : see);
}

}  // namespace

db::ConnectionSettings agent_database(const Env& env, const std::string& name) {
  db::ConnectionSettings settings;
  settings.parameters = env.settings.agent_db.parameters;
  settings.interrupt_fd = env.interrupt_fd;
  return db::with_defaults(settings, "wrktalk/" + name);
}

db::ConnectionSettings checkpoint_database(const Env& env, const std::string& name) {
  db::ConnectionSettings settings;
  settings.parameters = env.settings.checkpoint_db.parameters;
  settings.interrupt_fd = env.interrupt_fd;
  return db::with_defaults(settings, "wrktalk/" + name);
}

int run(int argc, char** argv) {
  const VisibleOutput out(std::cout);
  const VisibleOutput err(std::cerr);
  CLI::App app("Brings a vendor's releases to a customer's own site, and keeps that site's database schema right.",
               "wrktalk");
  Globals globals;
  Selected chosen;
  app.formatter(std::make_shared<Help>());
  app.set_version_flag("-V,--version", "wrktalk " WRKTALK_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.fallthrough();
  add_globals(app, globals);
  add_commands(app, chosen, argc > 1 ? argv[1] : "");
  // Last: commands take over what is set before they are made.
  app.footer(
      footer({"wrktalk migrate up", "wrktalk release add shop-1.4.2.tgz --version 1.4.2", "wrktalk deploy 1.4.2"},
             {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::difference, ExitCode::busy,
              ExitCode::configuration, ExitCode::database, ExitCode::artifact, ExitCode::child, ExitCode::put_back,
              ExitCode::not_put_back, ExitCode::interrupted, ExitCode::terminated}));
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
      return app.exit(asked);
    } catch (const CLI::ParseError& error) {
      throw usage_error(app, error);
    }
    const FlushedLog last;  // the log comes before the error that ends the process
    return base::to_int(execute(globals, chosen));
  } catch (const Error& error) {
    print_error(error.what(), error.hint(), globals.no_color);
    return base::to_int(base::exit_code(error.kind()));
  } catch (const std::exception& error) {
    print_error(error.what(), "", globals.no_color);
    return base::to_int(ExitCode::failed);
  }
}

}  // namespace wrktalk::cmd
