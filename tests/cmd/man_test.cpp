// SPDX-License-Identifier: Apache-2.0
#include "core/base/exit_code.hpp"
#include "core/base/files.hpp"
#include "tests/cmd/wrktalk.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

using namespace wrktalk;
using test::tool;
using Names = std::set<std::string>;

namespace {

struct Command {
  Names options;  ///< of the command and of those below it
  Names below;    ///< "up", "down"
};

Names words(const std::string& text) {
  Names names;
  for (const auto& word : base::split(text, ' ')) {
    if (!word.empty() && word != "-h" && word != "--help") names.insert(word);
  }
  return names;
}

/// Commands by their man page's name ("wrktalk", "wrktalk-migrate"), as the program itself lists them for bash.
std::map<std::string, Command> commands() {
  std::map<std::string, Command> all;
  const std::string script = tool("completion bash").out;
  const std::regex line("    'wrktalk ?([a-z-]*) ?([a-z-]*) ?[a-z-]*'\\) commands='[^']*' options='([^']*)' ;;");
  for (std::sregex_iterator it(script.begin(), script.end(), line), end; it != end; ++it) {
    const std::smatch& match = *it;
    Command& command = all[match[1].length() == 0 ? "wrktalk" : "wrktalk-" + match[1].str()];
    command.options.merge(words(match[3]));
    if (match[2].length() != 0) command.below.insert(match[2]);
  }
  return all;
}

/// A list to compare and to read when it differs.
std::string text(const Names& names) { return base::join({names.begin(), names.end()}, " "); }

std::string page(const std::string& name) {
  return base::read_file(test::source_dir() + "/man/" + name + ".1.md", 1024 * 1024);
}

std::string section(const std::string& text, const std::string& head) {
  const std::size_t start = text.find("\n# " + head + "\n");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find("\n# ", start + 1) - start);
}

/// Terms of definition lists: lines that begin in bold and are followed by a line that begins with a colon.
Names bold_terms(const std::string& text, const std::string& pattern) {
  Names names;
  const std::regex term("\n(\\*\\*[^\n]*)\n:");
  const std::regex name("\\*\\*(" + pattern + ")\\*\\*");
  for (std::sregex_iterator it(text.begin(), text.end(), term), end; it != end; ++it) {
    const std::string line = (*it)[1];
    for (std::sregex_iterator part(line.begin(), line.end(), name); part != end; ++part) names.insert((*part)[1]);
  }
  names.erase("-h");
  names.erase("--help");
  return names;
}

}  // namespace

TEST_SUITE("man pages") {
  TEST_CASE("a page's options are those that --help knows, no more and no fewer") {
    const auto all = commands();
    REQUIRE(all.size() > 2);
    for (const auto& [name, command] : all) {
      CAPTURE(name);
      CHECK(text(bold_terms(section(page(name), "OPTIONS"), "--?[a-zA-Z-]+")) == text(command.options));
    }
  }

  TEST_CASE("every page has its parts and names the commands below it") {
    for (const auto& [name, command] : commands()) {
      CAPTURE(name);
      const std::string whole = page(name);
      for (const char* head : {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}) {
        CAPTURE(head);
        CHECK_FALSE(section(whole, head).empty());
      }
      for (const auto& below : command.below) {
        CAPTURE(below);
        CHECK(section(whole, "SYNOPSIS").find(" " + below + "**") != std::string::npos);
      }
      if (name != "wrktalk") CHECK(page("wrktalk").find("**" + name + "**(1)") != std::string::npos);
    }
  }

  TEST_CASE("a page's exit codes are those that --help lists") {
    for (const auto& [name, command] : commands()) {
      CAPTURE(name);
      Names listed;
      const std::string top = name == "wrktalk" ? "" : name.substr(8);
      std::vector<std::string> helps = {tool(top + " --help").out};
      for (const auto& below : command.below) helps.push_back(tool(top + " " + below + " --help").out);
      const std::regex code("\n  ([0-9]+) +[a-z]");
      for (const auto& help : helps) {
        const std::string status = help.substr(std::min(help.size(), help.find("Exit status:")));
        for (std::sregex_iterator it(status.begin(), status.end(), code), end; it != end; ++it) listed.insert((*it)[1]);
      }
      CHECK(text(bold_terms(section(page(name), "EXIT STATUS"), "[0-9]+")) == text(listed));
    }
  }

  TEST_CASE("README.md has the table of exit codes") {
    std::string table = "| code | means | worth trying again later |\n| --- | --- | --- |\n";
    for (const auto& row : base::exit_code_rows()) {
      table += "| " + std::to_string(base::to_int(row.code)) + " | " + row.meaning + " | " +
               (row.is_worth_again ? "yes" : "") + " |\n";
    }
    CHECK(base::read_file(test::source_dir() + "/README.md", 1'000'000).find(table) != std::string::npos);
  }

  TEST_CASE("wrktalk(1) lists every variable") {
    Names known = {"WRKTALK_AGENT_CONFIG"};
    const auto shown = nlohmann::json::parse(tool("config show -o json").out);
    for (const auto& setting : shown["settings"]) {
      known.insert(setting["variable"].get<std::string>());
    }
    CHECK(text(bold_terms(section(page("wrktalk"), "ENVIRONMENT"), "(?:WRKTALK|VAULT)_[A-Z_]+")) == text(known));
  }
}
