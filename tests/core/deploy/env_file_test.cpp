// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/env_file.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using env::Dialect;
using env::Reader;

namespace {

std::string value_of(const std::string& written) {
  const auto file = env::read("V=" + written + "\n", "site.env");
  REQUIRE(file.find("V") != nullptr);
  return file.find("V")->value;
}

/// What is said of a text; empty when it is read.
std::string why(const std::string& text, Reader reader = Reader::none) {
  try {
    env::read(text, "site.env", reader);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::artifact);
    CHECK_FALSE(e.hint().empty());
    CHECK(std::string(e.what()).find("TOPSECRET") == std::string::npos);
    CHECK(e.hint().find("TOPSECRET") == std::string::npos);
    return e.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("deploy::env") {
  TEST_CASE("a value is what stands there") {
    CHECK(value_of("") == "");
    CHECK(value_of("plain") == "plain");
    CHECK(value_of("  with blanks around  ") == "with blanks around");
    CHECK(value_of("a=b=c") == "a=b=c");
    CHECK(value_of("pa$word$$1$") == "pa$word$$1$");
    CHECK(value_of("$2y$10$abcdefgh./ijkl") == "$2y$10$abcdefgh./ijkl");
    CHECK(value_of("a\\$b\\n") == "a\\$b\\n");
    CHECK(value_of("pass#word # a comment") == "pass#word");
    CHECK(value_of("'$x ${HOME} \\n # y'  # a comment") == "$x ${HOME} \\n # y");
    CHECK(value_of("'it\\'s'") == "it's");
    CHECK(value_of(R"("q\"q \\ \$b \t \q")") == "q\"q \\ $b \t \\q");
    CHECK(value_of("'two\nlines'") == "two\nlines");
    CHECK(value_of("'two\r\nlines'\r") == "two\nlines");
    CHECK(value_of(R"("a\r\nb")") == "a\r\nb");
    CHECK(value_of("\"a\\\\$b\"") == "a\\$b");
  }

  TEST_CASE("export, blanks, comments and a byte order mark are no part of it") {
    const auto file = env::read("\xEF\xBB\xBF# first\n\n  export A = 1 \r\nB.c-d=2\n", "site.env");
    REQUIRE(file.variables.size() == 2);
    CHECK(file.variables[0].name == "A");
    CHECK(file.variables[0].value == "1");
    CHECK(file.variables[0].line == 3);
    CHECK(file.variables[1].name == "B.c-d");
    CHECK(file.notes.empty());
  }

  TEST_CASE("what both readers put in is put in, and told") {
    const auto file = env::read("U=app\nURL=\"db://${U}@db\"\nV='${U}'\n", "site.env");
    CHECK(file.find("URL")->value == "db://app@db");
    CHECK(file.find("V")->value == "${U}");
    REQUIRE(file.notes.size() == 1);
    CHECK(file.notes[0].line == 2);
  }

  TEST_CASE("values that are put into values do not grow without a limit") {
    std::string text = "A=0123456789\n";
    for (char name = 'B'; name <= 'Z'; ++name) {
      const std::string before = "${" + std::string(1, static_cast<char>(name - 1)) + "}";
      text += std::string(1, name) + "=" + before + before + "\n";
    }
    for (const Reader reader : {Reader::none, Reader::compose})
      CHECK(why(text, reader).find("the values that are put into others are larger than 1.0 MB in all") !=
            std::string::npos);
  }

  TEST_CASE("of two with one name the last counts") {
    const auto file = env::read("A=1\nA=2\n", "site.env");
    CHECK(file.find("A")->value == "2");
    REQUIRE(file.notes.size() == 1);
    CHECK(file.notes[0].text.find("twice") != std::string::npos);
    CHECK(env::write(file, Dialect::compose_v2) == "A='2'\n");
  }

  TEST_CASE("what cannot be read is refused with its line and no part of a value") {
    CHECK(why("A=1\nDB='it's-TOPSECRET'\n").find("site.env:2: something stands behind the quote") == 0);
    CHECK(why("A=1\nDB='TOPSECRET\nB=2\n").find("site.env:2: the quote that the value of DB") == 0);
    CHECK(why("TOPSECRET\n").find("site.env:1: it is no NAME=VALUE") == 0);
    CHECK(why("A: TOPSECRET\n").find("site.env:1: it is no NAME=VALUE") == 0);
    CHECK(why("=TOPSECRET\n").find("site.env:1:") == 0);
    CHECK(why("'TOPSECRET'\n").find("site.env:1:") == 0);
    CHECK(why("A=\xFFTOPSECRET\n").find("site.env:1: it is not UTF-8") == 0);
    CHECK(why("A='x\\\n y TOPSECRET\\\\'\n").find("a backslash") != std::string::npos);
  }

  TEST_CASE("what the readers take differently is refused where we write it, and noted where compose reads it") {
    for (const char* text : {"U=1\nA=x$U\n", "U=1\n\nA=\"x$U\"\n", "A=x${HOME}\n", "A=${U:-TOPSECRET}\n", "A=${\n"}) {
      INFO(text);
      CHECK(why(text).find("'$'") != std::string::npos);
      CHECK(why(text, Reader::compose).empty());
      CHECK(env::read(text, "app.env", Reader::compose).notes.size() == 1);
    }
    CHECK(why("PASSED_ON\n", Reader::compose).empty());
    CHECK_FALSE(why("A='TOPSECRET\n", Reader::compose).empty());
  }

  TEST_CASE("the site's values lie over the release's") {
    const auto merged = env::merge(env::read("A=1\nB=2\n", "a"), env::read("B=3\nC=4\n", "b"));
    CHECK(env::write(merged, Dialect::compose_v2) == "A='1'\nB='3'\nC='4'\n");
  }

  TEST_CASE("each reader gets what it takes for the value") {
    const auto written = [](const std::string& value, Dialect dialect) {
      return env::write({{{"V", value, 1}}, {}}, dialect);
    };
    CHECK(written("it's $x", Dialect::compose_v1) == "V='it\\'s $x'\n");
    CHECK(written("a\\b", Dialect::compose_v1) == "V='a\\\\b'\n");
    CHECK(written("${x}", Dialect::compose_v1) == "V='${:-$}{x}'\n");
    CHECK(written("end\\", Dialect::compose_v1) == "V=end\\\n");
    CHECK(written("it's $x", Dialect::compose_v2) == "V='it\\'s $x'\n");
    CHECK(written("a\\b", Dialect::compose_v2) == "V='a\\b'\n");
    CHECK(written("a\\'$b", Dialect::compose_v2) == "V=\"a\\\\'\\$b\"\n");
    CHECK(written("end\\", Dialect::compose_v2) == "V=\"end\\\\\"\n");
  }
}
