// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT
#include "core/exec/fence.hpp"
#include "tests/support/have.hpp"

#include <doctest/doctest.h>

#include <cstring>

namespace {
constexpr int kSkipped = 77;  ///< as cmake/module.cmake has it
}

int main(int argc, char** argv) {
  // Tests that run children under a fence are their own guard, as the real binary is.
  if (argc > 1 && std::strcmp(argv[1], wrktalk::exec::kGuardCommand) == 0) return wrktalk::exec::guard_main(argc, argv);
  const int failed = doctest::Context(argc, argv).run();
  return failed == 0 && wrktalk::test::any_skipped() ? kSkipped : failed;
}
