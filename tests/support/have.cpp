// SPDX-License-Identifier: Apache-2.0
#include "tests/support/have.hpp"

#include "core/base/text.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace wrktalk::test {
namespace {

bool skipped = false;

}  // namespace

bool have(const std::string& service, bool found, const std::string& reason) {
  if (found) return true;
  const char* required = std::getenv("WRKTALK_TEST_REQUIRE");
  for (const auto& name : base::split(required == nullptr ? "" : required, ',')) {
    if (name == service) FAIL("needs ", service, ": ", reason);
  }
  skipped = true;
  std::printf("SKIP: %s: no %s: %s\n", doctest::getContextOptions()->currentTest->m_name, service.c_str(),
              reason.c_str());
  return false;
}

bool any_skipped() { return skipped; }

}  // namespace wrktalk::test
