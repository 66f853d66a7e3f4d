// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/host_health.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace wrktalk;
using deploy::await_health;
using std::chrono::milliseconds;

namespace {

exec::Outcome exited(int code, const std::string& words) {
  exec::Outcome outcome;
  outcome.end = exec::Outcome::End::exited;
  outcome.code = code;
  outcome.out = words;
  return outcome;
}

struct Tries {
  int until_good = 1'000;
  int made = 0;
  int told = 0;
  std::vector<std::string> words{};
  base::NoPulse pulse{};

  std::optional<exec::Outcome> run(milliseconds limit) {
    return await_health(
        [&](milliseconds left, bool is_told) {
          CHECK(left.count() > 0);
          ++made;
          told += is_told ? 1 : 0;
          return exited(made < until_good ? 1 : 0, "try " + std::to_string(made));
        },
        limit, [&](const std::string& line) { words.push_back(line); }, pulse);
  }
};

}  // namespace

TEST_SUITE("deploy::await_health") {
  TEST_CASE("a program that is well at once is run once, and nothing is said") {
    Tries tries;
    tries.until_good = 1;
    CHECK_FALSE(tries.run(milliseconds(1'000)));
    CHECK(tries.made == 1);
    CHECK(tries.words.empty());
  }

  TEST_CASE("one that becomes well is enough") {
    Tries tries;
    tries.until_good = 2;
    CHECK_FALSE(tries.run(milliseconds(5'000)));
    CHECK(tries.made == 2);
  }

  TEST_CASE("pauses grow, one line says that it is tried again, and only the first try is told live") {
    Tries tries;
    const auto failed = tries.run(milliseconds(2'000));
    REQUIRE(failed);
    CHECK(failed->out == "try " + std::to_string(tries.made));
    CHECK(tries.made >= 2);
    CHECK(tries.made <= 3);  // at 0, 0.5 and 1.25 s
    CHECK(tries.told == 1);
    REQUIRE(tries.words.size() == 1);
    CHECK(tries.words.front().find("not well yet, try 1 exited with status 1; trying for ") == 0);
  }
}
