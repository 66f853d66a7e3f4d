// SPDX-License-Identifier: Apache-2.0
#include "core/log/log.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fcntl.h>

using namespace wrktalk;

namespace {

/// What `work` writes to stderr.
template <class Work>
std::string stderr_of(const Work& work) {
  const base::TempDir dir(base::private_parent(), "log-test-");
  const std::string path = dir.path() + "/stderr";
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::fflush(stderr);
  const base::Fd saved(::dup(2));
  ::dup2(file.get(), 2);
  work();
  std::fflush(stderr);
  ::dup2(saved.get(), 2);
  return base::read_file(path, 100'000);
}

}  // namespace

TEST_SUITE("log::redact") {
  TEST_CASE("a known secret is masked wherever it stands, a very short one is not looked for") {
    log::add_secret(base::Secret("tr0ub4dor"));
    log::add_secret(base::Secret("tr0ub4dor-and-more"));
    log::add_secret(base::Secret("ab"));
    CHECK(log::redact("x tr0ub4dor y") == "x *** y");
    CHECK(log::redact("tr0ub4dor-and-more") == "***");
    CHECK(log::redact("about") == "about");
  }

  TEST_CASE("values with a telling name are masked, the name stays") {
    CHECK(log::redact("DB_PASSWORD=abc next") == "DB_PASSWORD=*** next");
    CHECK(log::redact("{\"token\": \"abc def\", \"a\": 1}") == "{\"token\": \"***\", \"a\": 1}");
    CHECK(log::redact("Authorization: Bearer abc") == "Authorization: Bearer ***");
    CHECK(log::redact("DB_PASSWORD_FILE=/run/secrets/x") == "DB_PASSWORD_FILE=/run/secrets/x");
    CHECK(log::redact("cannot read /x/token: No such file or directory") ==
          "cannot read /x/token: No such file or directory");
    CHECK(log::redact("token: Nosuch") == "token: ***");
  }

  TEST_CASE("the user part of a URL is masked") {
    CHECK(log::redact("postgresql://u:p@h/d") == "postgresql://***@h/d");
    CHECK(log::redact("https://host/path") == "https://host/path");
  }
}

TEST_SUITE("log") {
  TEST_CASE("a JSON line survives quotes, line ends and bytes that are no text") {
    const std::string text = stderr_of([] {
      log::set_up({log::Format::json, log::Level::info, false});
      log::info("task.claimed", "said \"hi\"\nand\xFF", {{"task_id", "a\"b"}, {"note", "password=x"}});
      log::debug("not.shown", "below the level");
    });
    REQUIRE(base::split(text, '\n').size() == 2);
    const auto line = nlohmann::json::parse(text);
    CHECK(line["level"] == "INFO");
    CHECK(line["event"] == "task.claimed");
    CHECK(line["msg"] == "said \"hi\"\nand\xEF\xBF\xBD");
    CHECK(line["task_id"] == "a\"b");
    CHECK(line["note"] == "password=***");
    CHECK(line["ts"].get<std::string>().back() == 'Z');
  }

  TEST_CASE("a text line is one line, whatever is in it") {
    const std::string text = stderr_of([] {
      log::set_up({log::Format::text, log::Level::debug, false});
      log::warn("child.output", "a\nb {}\x1b[31m", {{"value", "two words"}});
    });
    CHECK(base::split(text, '\n').size() == 2);
    CHECK(text.find("WARN  child.output") != std::string::npos);
    CHECK(text.find("a b {}\\x1b[31m value=\"two words\"\n") != std::string::npos);
  }

  TEST_CASE("v4.2's level names are taken in any case, others are refused") {
    CHECK(log::parse_level("info") == log::Level::info);
    CHECK(log::parse_level("WARNING") == log::Level::warn);
    CHECK(log::parse_level("CRITICAL") == log::Level::error);
    CHECK_THROWS_AS(log::parse_level("loud"), base::Error);
  }
}
