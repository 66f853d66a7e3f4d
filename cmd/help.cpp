// SPDX-License-Identifier: Apache-2.0
#include "cmd/help.hpp"

#include "cmd/app.hpp"

#include <algorithm>

namespace wrktalk::cmd {
std::string footer(std::initializer_list<const char*> examples, std::initializer_list<base::ExitCode> codes) {
  std::string text = "Examples:\n";
  for (const char* example : examples) text += std::string("  ") + example + "\n";
  text += "\nExit status:\n";
  for (const auto& row : base::exit_code_rows()) {
    if (std::find(codes.begin(), codes.end(), row.code) == codes.end()) continue;
    std::string number = std::to_string(base::to_int(row.code));
    number.resize(5, ' ');
    text += "  " + number + row.meaning + "\n";
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
