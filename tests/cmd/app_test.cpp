// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "tests/cmd/wrktalk.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace wrktalk;
using test::tool;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("cmd::app") {
  TEST_CASE("help and version are results: stdout, exit 0") {
    const auto version = tool("--version");
    CHECK(version.code == 0);
    CHECK(version.out == "wrktalk " WRKTALK_VERSION "\n");
    CHECK(version.err.empty());
    for (const char* words : {"--help", "config --help", "config show --help"}) {
      const auto help = tool(words);
      CHECK(help.code == 0);
      CHECK(has(help.out, "Usage: wrktalk"));
      CHECK(help.err.empty());
    }
    CHECK(has(tool("config show --help").out, "Exit status:\n  0    done\n"));
  }

  TEST_CASE("invalid usage is exit 2 with the word, and the one that was meant") {
    const auto command = tool("confg show");
    CHECK(command.code == 2);
    CHECK(command.out.empty());
    CHECK(command.err ==
          "wrktalk: error: unknown command 'confg'\nhint: did you mean 'config'? Or see `wrktalk --help`\n");
    CHECK(has(tool("config shw").err, "did you mean 'show'? Or see `wrktalk config --help`"));
    CHECK(has(tool("config show --db-hots=x").err, "did you mean '--db-host'?"));
    CHECK(has(tool("completion").err, "hint: see `wrktalk completion --help`"));
    CHECK(has(tool("").err, "wrktalk needs a command"));
    for (const char* words : {"", "config", "completion", "completion tcsh", "-o xml config show", "config show more",
                              "--db-host", "config show --nonsense"}) {
      CAPTURE(words);
      CHECK(tool(words).code == 2);
    }
  }

  TEST_CASE("an error is red on a terminal, unless colours are not wanted") {
    const auto on_terminal = [](const std::string& words, std::vector<std::string> environment) {
      environment.emplace_back("TERM=xterm");
      return test::run({"script", "-qec", test::binary() + " " + words, "/dev/null"}, std::move(environment)).out;
    };
    CHECK(has(on_terminal("confg", {}), "\x1b[31merror:\x1b[0m unknown command 'confg'"));
    CHECK(has(on_terminal("confg", {"NO_COLOR=1"}), "wrktalk: error: unknown command"));
    CHECK(has(on_terminal("--no-color confg", {}), "wrktalk: error: unknown command"));
  }

  TEST_CASE("a wrong setting is exit 5, and named") {
    const auto ran = tool("config show", {"WRKTALK_AGENT_POLL_INTERVAL=soon"});
    CHECK(ran.code == 5);
    CHECK(ran.out.empty());
    CHECK(has(ran.err, "wrktalk: error: WRKTALK_AGENT_POLL_INTERVAL: "));
    CHECK(tool("config show --config /nonexistent").code == 5);
    CHECK(tool("config show --pg-env /nonexistent").code == 5);
    CHECK(tool("completion bash", {"WRKTALK_AGENT_POLL_INTERVAL=soon"}).code == 0);
  }

  TEST_CASE("global flags may stand before and behind the command") {
    CHECK(has(tool("--db-host here config show").out, "--db-host"));
    CHECK(has(tool("config --db-host here show").out, "--db-host"));
    CHECK(has(tool("config show --db-host here").out, "--db-host"));
  }

  TEST_CASE("a config file that others may read is warned of when it holds a password") {
    const base::TempDir dir(base::private_parent(), "cmd-test-");
    const std::string path = dir.path() + "/w.toml";
    base::write_file(path, "[db]\npassword = \"hunter2\"\n", 0644);
    const auto open_to_all = tool("config show --config " + path);
    CHECK(open_to_all.code == 0);
    CHECK(has(open_to_all.err, "config.readable_by_others"));
    ::chmod(path.c_str(), 0600);
    CHECK(tool("config show", {"WRKTALK_AGENT_CONFIG=" + path}).err.empty());
  }

  TEST_CASE("a full disk behind stdout is a failure, a reader that has gone is not") {
    const auto full = test::run({"sh", "-c", "\"$0\" config show > /dev/full", test::binary()});
    CHECK(full.code == 1);
    CHECK(has(full.err, "cannot write to stdout"));
    const auto gone =
        test::run({"bash", "-c", "set -o pipefail; { sleep 0.2; \"$0\" completion zsh; } | true", test::binary()});
    CHECK(gone.code == 0);
    CHECK(gone.err.empty());
  }
}
