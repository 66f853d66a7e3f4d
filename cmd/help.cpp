// SPDX-License-Identifier: Apache-2.0
#include "cmd/help.hpp"

#include "cmd/app.hpp"

namespace wrktalk::cmd {
namespace {

const char* meaning(base::ExitCode code) {
  switch (code) {
    case base::ExitCode::done: return "done";
    case base::ExitCode::failed: return "failed";
    case base::ExitCode::usage: return "invalid command-line usage";
    case base::ExitCode::difference: return "a difference was found";
    case base::ExitCode::busy: return "busy: another deployment or migration holds the lock";
    case base::ExitCode::configuration: return "a setting, a credential or a schema version is wrong";
    case base::ExitCode::database: return "the database or Vault cannot be reached, or was lost";
    case base::ExitCode::artifact: return "the release was refused";
    case base::ExitCode::child: return "a program that was started failed or took too long";
    case base::ExitCode::put_back: return "the deployment failed, what ran before runs again";
    case base::ExitCode::not_put_back: return "the deployment failed and could not be put back";
    case base::ExitCode::interrupted: return "ended by SIGINT";
    case base::ExitCode::terminated: return "ended by SIGTERM";
  }
  return "";
}

}  // namespace

std::string footer(std::initializer_list<const char*> examples, std::initializer_list<base::ExitCode> codes) {
  std::string text = "Examples:\n";
  for (const char* example : examples) text += std::string("  ") + example + "\n";
  text += "\nExit status:\n";
  for (const auto code : codes) {
    std::string number = std::to_string(base::to_int(code));
    number.resize(5, ' ');
    text += "  " + number + meaning(code) + "\n";
  }
  text.pop_back();
  return text;
}

Help::Help() { column_width(34); }

std::string Help::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
  std::string out = make_description(app) + "\n" + make_usage(app, name);
  out += make_positionals(app);
  out += make_subcommands(app, mode);
  out += make_groups(app, mode);
  if (app->get_parent() != nullptr) out += "\nThe options of every command: `wrktalk --help`.\n";
  out += "\n" + make_footer(app);
  // CLI11 parts its groups with one or two blank lines, depending on its version.
  for (auto at = out.find("\n\n\n"); at != std::string::npos; at = out.find("\n\n\n")) out.erase(at, 1);
  return out;
}

}  // namespace wrktalk::cmd
