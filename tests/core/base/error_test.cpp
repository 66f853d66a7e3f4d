// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"

#include <doctest/doctest.h>

using wrktalk::base::Error;
using wrktalk::base::Kind;

namespace {
struct Numbered : Error {
  explicit Numbered(int n) : Error(Kind::database, "refused", "try another"), number(n) {}
  int number;
};

void fail_in_context() {
  try {
    throw Numbered(7);
  } catch (Error& error) {
    error.add_context("table t");
    throw;
  }
}
}  // namespace

TEST_SUITE("base::Error") {
  TEST_CASE("context is put before the message, and the error keeps its type, kind and hint") {
    try {
      fail_in_context();
      FAIL("no error");
    } catch (const Numbered& error) {
      CHECK(error.number == 7);
      CHECK(std::string(error.what()) == "table t: refused");
      CHECK(error.kind() == Kind::database);
      CHECK(error.hint() == "try another");
    }
  }
}
