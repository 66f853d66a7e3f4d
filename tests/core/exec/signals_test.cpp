// SPDX-License-Identifier: Apache-2.0
#include "core/exec/signals.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <sys/wait.h>

using namespace wrktalk::exec;

TEST_CASE("exec::Signals: signals are waited for instead of ending the process, SIGPIPE is ignored") {
  const pid_t child = ::fork();
  if (child == 0) {
    Signals signals;
    if (signals.take() != 0) ::_exit(1);
    std::raise(SIGPIPE);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
      ::kill(::getpid(), number);
      if (signals.take() != number) ::_exit(2);
    }
    ::_exit(signals.take() == 0 ? 0 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
