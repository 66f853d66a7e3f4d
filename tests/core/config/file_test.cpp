// SPDX-License-Identifier: Apache-2.0
#include "core/config/file.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <utility>

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
    CHECK(config::parse_file(
              "# a comment\ntop = 1\r\n\n[db]\nhost = \"localhost\"  # where\n"
              "password = \"a#b@c/d?e \\\"f\\\" \\\\g\"\nuser = 'C:\\x'\nport = 5432\n[agent]\n"
              "targets = [\n  \"docker:a\",  # one a line\n  'host:b',\n]\nempty = ''\nstrict = true\nshare = 1.5\n"
              "update.crds = false\nnotes = \"\"\"\nof two\nlines\"\"\"\nlast = { level = \"no line end\" }",
              "w.toml") == Keys{{"top", "1"},
                                {"db.host", "localhost"},
                                {"db.password", "a#b@c/d?e \"f\" \\g"},
                                {"db.user", "C:\\x"},
                                {"db.port", "5432"},
                                {"agent.targets", "docker:a,host:b"},
                                {"agent.empty", ""},
                                {"agent.strict", "true"},
                                {"agent.share", "1.5"},
                                {"agent.update.crds", "false"},
                                {"agent.notes", "of two\nlines"},
                                {"agent.last.level", "no line end"}});
  }

  TEST_CASE("what cannot be read is named with its line, never with its value") {
    for (const auto& [text, said] : std::initializer_list<std::pair<const char*, const char*>>{
             {"[db]\npassword = \"hunter2\n", "w.toml line 2, column 20: this is not TOML"},
             {"x = 'hunter2", "w.toml line 1, column 13: this is not TOML"},
             {"x = hunter2", "w.toml line 1, column 5: this is not TOML"},
             {"x = 2hunter2", "w.toml line 1, column 5: this is not TOML"},
             {"[db\n", "w.toml line 1, column 4: this is not TOML"},
             {"\njust words\n", "w.toml line 2, column 6: this is not TOML"},
             {"[.]", "w.toml: this is not TOML"},
             {"x = \"\xFF\"", "w.toml line 1, column 5: this is not TOML"},
             {"x = 1\nx = 'hunter2'\n", "w.toml line 2, column 5: a key or a section is written twice"},
             {"[db]\na = 1\n[db]\n", "w.toml line 3, column 1: a key or a section is written twice"},
             {"x = 2026-11-27", "w.toml line 1: x is a date or a time"},
             {"x = [[1]]", "w.toml line 1: x has a list or a table in its list"},
         }) {
      CAPTURE(text);
      CHECK(problem(text) == said);
    }
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
