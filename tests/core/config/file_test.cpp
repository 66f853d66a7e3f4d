// SPDX-License-Identifier: Apache-2.0
#include "core/config/file.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace wrktalk;
using Keys = std::map<std::string, std::string>;

namespace {

std::string problem(const std::string& text) {
  try {
    config::parse_file(text, "w.toml");
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::configuration);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("config::parse_file") {
  TEST_CASE("sections, comments and every kind of value are read") {
    CHECK(config::parse_file("# a comment\ntop = 1\r\n\n[db]\nhost = localhost  # where\n"
                             "password = \"a#b@c/d?e \\\"f\\\" \\\\g\"\nuser = 'C:\\x'\n[agent]\n"
                             "targets = [\"docker:a\", 'host:b', c]\nempty =\nlast = \"no line end\"",
                             "w.toml") == Keys{{"top", "1"},
                                               {"db.host", "localhost"},
                                               {"db.password", "a#b@c/d?e \"f\" \\g"},
                                               {"db.user", "C:\\x"},
                                               {"agent.targets", "docker:a,host:b,c"},
                                               {"agent.empty", ""},
                                               {"agent.last", "no line end"}});
  }

  TEST_CASE("what cannot be read is named with its line, never with its value") {
    CHECK(problem("[db]\npassword = \"hunter2\n") == "w.toml line 2: a quote is not closed");
    CHECK(problem("x = 'hunter2") == "w.toml line 1: a quote is not closed");
    CHECK(problem("[db\n") == "w.toml line 1: this is no section");
    CHECK(problem("\njust words\n") == "w.toml line 2: this is no setting");
    CHECK(problem("x = \"a\\q\"") == "w.toml line 1: unknown escape");
    CHECK(problem("x = [a, b\n") == "w.toml line 1: a list is not closed");
    CHECK(problem("x = [\"a\" \"b\"]") == "w.toml line 1: a comma is missing in the list");
    CHECK(problem("x = 'a'b'") == "w.toml line 1: there is something after the value");
    CHECK(problem("x = 1\nx = 2\n") == "w.toml line 2: x is set twice");
    CHECK(problem("= 2\n") == "w.toml line 1: this is no setting");
  }

  /// Whether it is no longer refused; what else is thrown passes.
  bool taken(const std::function<void()>& parse) {
    try {
      parse();
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }

  TEST_CASE("no text, however broken, does more than be refused") {
    const std::string seed = "[db]\nhost = \"a\\\\\" # x\nlist = [1, 'b', \"c\"]\n";
    for (std::size_t cut = 0; cut < seed.size(); ++cut) {
      for (const char c : {'\0', '"', '\'', '[', ']', '\\', '\n', '=', '#', '\xFF'}) {
        const std::string text = seed.substr(0, cut) + c;
        CAPTURE(text);
        CHECK_NOTHROW(taken([&] { config::parse_file(text, "w.toml"); }));
        CHECK_NOTHROW(taken([&] { config::parse_pg_env("export PGHOST=" + text, "pg_env.sh", {"PGHOST"}); }));
      }
    }
  }
}
