// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/base/text.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

struct Word {
  std::string text;
  std::string help;
  bool takes_value = false;
};

/// One command as the command line reaches it.
struct Node {
  std::string path;  ///< "wrktalk migrate up"
  std::vector<Word> commands;
  std::vector<Word> options;
};

void collect(const CLI::App& command, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, {}, {}};
  for (const auto* option : command.get_options()) {
    if (option->get_positional()) continue;
    const bool takes_value = option->get_items_expected_max() > 0;
    for (const auto& name : option->get_snames())
      node.options.push_back({"-" + name, option->get_description(), takes_value});
    for (const auto& name : option->get_lnames())
      node.options.push_back({"--" + name, option->get_description(), takes_value});
  }
  const auto subs = command.get_subcommands([](const CLI::App*) { return true; });
  for (const auto* sub : subs) node.commands.push_back({sub->get_name(), sub->get_description()});
  nodes.push_back(std::move(node));
  for (const auto* sub : subs) collect(*sub, path + " " + sub->get_name(), nodes);
}

/// 'quoted' for all three shells; what is quoted differently in one of them is left out.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : base::one_line(text)) {
    if (c != '\'' && c != '\\') out += c;
  }
  return out + "'";
}

std::string words(const std::vector<Word>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const auto& item : items) names.push_back(item.text);
  return base::join(names, " ");
}

/// 'a b' | 'a c' ...: every path below the root, as alternatives of a case.
std::string paths(const std::vector<Node>& nodes, const char* separator) {
  std::vector<std::string> names;
  for (auto node = nodes.begin() + 1; node != nodes.end(); ++node) names.push_back(quoted(node->path));
  return base::join(names, separator);
}

std::string options_with_value(const std::vector<Node>& nodes) {
  std::vector<std::string> names;
  for (const auto& node : nodes) {
    for (const auto& option : node.options) {
      if (option.takes_value && std::find(names.begin(), names.end(), option.text) == names.end())
        names.push_back(option.text);
    }
  }
  return base::join(names, " | ");
}

void print_bash(const std::vector<Node>& nodes) {
  std::cout
      << "# bash completion of wrktalk: source this, or put it into /usr/share/bash-completion/completions/wrktalk\n"
         "_wrktalk() {\n"
         "  local at=wrktalk cur=${COMP_WORDS[COMP_CWORD]} commands='' options='' i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"$at ${COMP_WORDS[i]}\" in\n"
         "      "
      << paths(nodes, " | ")
      << ") at=\"$at ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case ${COMP_WORDS[COMP_CWORD-1]} in\n"
         "    -o | --output | --log-format) COMPREPLY=($(compgen -W 'text json' -- \"$cur\")); return ;;\n"
         "    "
      << options_with_value(nodes)
      << ") COMPREPLY=(); return ;;\n"
         "  esac\n"
         "  case $at in\n";
  for (const auto& node : nodes) {
    std::cout << "    " << quoted(node.path) << ") commands=" << quoted(words(node.commands))
              << " options=" << quoted(words(node.options)) << " ;;\n";
  }
  std::cout << "  esac\n"
               "  [[ $at == wrktalk ]] || options+=' '"
            << quoted(words(nodes.front().options))
            << "\n"
               "  [[ $cur == -* ]] && commands=$options\n"
               "  COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
               "}\n"
               "complete -o default -F _wrktalk wrktalk\n";
}

void print_zsh(const std::vector<Node>& nodes) {
  const auto described = [](const std::vector<Word>& items) {
    std::string out;
    for (const auto& item : items) out += " " + quoted(item.text + ":" + item.help);
    return out;
  };
  std::cout << "#compdef wrktalk\n"
               "_wrktalk() {\n"
               "  local at=wrktalk word\n"
               "  local -a commands options\n"
               "  for word in ${words[2,CURRENT-1]}; do\n"
               "    case \"$at $word\" in\n"
               "      "
            << paths(nodes, " | ")
            << ") at=\"$at $word\" ;;\n"
               "    esac\n"
               "  done\n"
               "  case ${words[CURRENT-1]} in\n"
               "    -o | --output | --log-format) compadd text json; return ;;\n"
               "    "
            << options_with_value(nodes)
            << ") _files; return ;;\n"
               "  esac\n"
               "  case $at in\n";
  for (const auto& node : nodes) {
    std::cout << "    " << quoted(node.path) << ") commands=(" << described(node.commands) << " ) options=("
              << described(node.options) << " ) ;;\n";
  }
  std::cout << "  esac\n"
               "  [[ $at == wrktalk ]] || options+=("
            << described(nodes.front().options)
            << " )\n"
               "  if [[ $PREFIX == -* ]]; then _describe -o option options\n"
               "  elif (( $#commands )); then _describe command commands\n"
               "  else _files\n"
               "  fi\n"
               "}\n"
               "if [[ ${funcstack[1]-} == _wrktalk ]]; then _wrktalk; else compdef _wrktalk wrktalk; fi\n";
}

void print_fish(const std::vector<Node>& nodes) {
  std::cout << "# fish completion of wrktalk: put it into ~/.config/fish/completions/wrktalk.fish\n"
               "function __wrktalk_at\n"
               "    set -l at wrktalk\n"
               "    for word in (commandline -opc)[2..-1]\n"
               "        switch \"$at $word\"\n"
               "            case "
            << paths(nodes, " ")
            << "\n"
               "                set at \"$at $word\"\n"
               "        end\n"
               "    end\n"
               "    test \"$at\" = \"$argv[1]\"\n"
               "end\n";
  for (const auto& node : nodes) {
    const bool root = node.path == nodes.front().path;
    const std::string here = "complete -c wrktalk -n " + quoted("__wrktalk_at \"" + node.path + "\"");
    for (const auto& command : node.commands) {
      std::cout << here << " -f -a " << quoted(command.text) << " -d " << quoted(command.help) << '\n';
    }
    for (const auto& option : node.options) {
      const bool is_long = base::starts_with(option.text, "--");
      std::cout << (root ? "complete -c wrktalk" : here) << (is_long ? " -l " : " -s ")
                << option.text.substr(is_long ? 2 : 1) << (option.takes_value ? " -r" : "") << " -d "
                << quoted(option.help) << '\n';
    }
  }
}

ExitCode print(const CLI::App& app, const std::string& shell) {
  std::vector<Node> nodes;
  collect(app, "wrktalk", nodes);
  if (shell == "bash")
    print_bash(nodes);
  else if (shell == "zsh")
    print_zsh(nodes);
  else
    print_fish(nodes);
  return ExitCode::done;
}

}  // namespace

void add_completion(CLI::App& app, Selected& chosen) {
  auto* sub = app.add_subcommand("completion", "Print a shell's completion script")->group("Set-up");
  auto shell = std::make_shared<std::string>();
  sub->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  sub->footer(footer({"source <(wrktalk completion bash)", "wrktalk completion zsh > ~/.zfunc/_wrktalk",
                      "wrktalk completion fish > ~/.config/fish/completions/wrktalk.fish"},
                     {ExitCode::done, ExitCode::usage}));
  sub->callback([&app, &chosen, shell] {
    chosen = {"completion", [&app, shell](Env&) { return print(app, *shell); }, true};
  });
}

}  // namespace wrktalk::cmd
