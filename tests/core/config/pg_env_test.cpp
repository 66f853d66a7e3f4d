// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/config/file.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using Variables = std::map<std::string, std::string>;

namespace {

const std::vector<std::string> kAllowed = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"};

Variables parse(const std::string& text) { return config::parse_pg_env(text, "pg_env.sh", kAllowed); }

std::string problem(const std::string& text) {
  try {
    parse(text);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::configuration);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("config::parse_pg_env") {
  TEST_CASE("the file that the guide's init container writes is read") {
    CHECK(parse("export PGHOST=\"postgres.bizmatters.svc.cluster.local\"\n"
                "export PGPORT=\"5432\"\n"
                "export PGDATABASE=\"agent_executor\"\n"
                "export PGUSER=\"agent_executor_user\"\n"
                "export PGPASSWORD=\"p@ss/w#rd?\"\n") == Variables{{"PGHOST", "postgres.bizmatters.svc.cluster.local"},
                                                                   {"PGPORT", "5432"},
                                                                   {"PGDATABASE", "agent_executor"},
                                                                   {"PGUSER", "agent_executor_user"},
                                                                   {"PGPASSWORD", "p@ss/w#rd?"}});
  }

  TEST_CASE("quoting means what it means to a shell") {
    CHECK(parse("PGPASSWORD='it'\\''s $HOME `x`'")["PGPASSWORD"] == "it's $HOME `x`");
    CHECK(parse("export PGPASSWORD=\"a\\\"b\\$c\\\\d\\e\"")["PGPASSWORD"] == "a\"b$c\\d\\e");
    CHECK(parse("PGUSER=a\"b c\"'d'\\ e # comment\n")["PGUSER"] == "ab cd e");
    CHECK(parse("PGPASSWORD='two\nlines'\n")["PGPASSWORD"] == "two\nlines");
    CHECK(parse("PGUSER=a#b")["PGUSER"] == "a#b");
    CHECK(parse("#!/bin/sh\n\n  # comment\nPGHOST=\n")["PGHOST"].empty());
    CHECK(parse("PGHOST=a\nPGHOST=b\n")["PGHOST"] == "b");
  }

  TEST_CASE("what only a shell could answer is refused with its line and without the value") {
    CHECK(problem("export PGPASSWORD=\"pa$sword\"") == "pg_env.sh line 1: a shell would expand this value");
    CHECK(problem("\nexport PGUSER=$(id)") == "pg_env.sh line 2: a shell would give this value a meaning of its own");
    CHECK(problem("PGHOST=a; rm -rf /") == "pg_env.sh line 1: a shell would give this value a meaning of its own");
    CHECK(problem("PGHOST=a b") == "pg_env.sh line 1: there is something after the value");
    CHECK(problem("echo hello") == "pg_env.sh line 1: this is no assignment");
    CHECK(problem("export LD_PRELOAD=/tmp/x.so") == "pg_env.sh line 1: LD_PRELOAD cannot be set here");
    CHECK(problem("PGPASSWORD='abc") == "pg_env.sh line 1: a quote is not closed");
    CHECK(problem("PGPASSWORD=\"abc") == "pg_env.sh line 1: a quote is not closed");
    CHECK(problem("PGPASSWORD=abc\\") == "pg_env.sh line 1: the file ends in a backslash");
    CHECK(problem(std::string("PGHOST='a\0b'", 12)) == "pg_env.sh line 1: the file is not text");
  }
}
