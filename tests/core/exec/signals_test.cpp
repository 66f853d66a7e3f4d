// SPDX-License-Identifier: Apache-2.0
#include "core/exec/signals.hpp"

#include "core/exec/background.hpp"
#include "tests/core/exec/children.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

using namespace wrktalk;
using namespace wrktalk::exec;
using namespace wrktalk::exec::test;

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

TEST_CASE("exec::Signals: orphans that come to us are reaped, and a child's exit status is not lost to that") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans come to us as they do to pid 1
    Signals signals;
    base::NoPulse pulse;
    const auto zombie_or_none = [] {
      siginfo_t info{};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : -1;
    };
    Background failing(shell("exit 3"));
    if (run(shell("(exec sleep 0.1 >/dev/null 2>&1) & (exec sleep 0.3 >/dev/null 2>&1) & sleep 0.2"), pulse).code != 0)
      ::_exit(1);
    if (!becomes_true([&] { return zombie_or_none() > 0; })) ::_exit(2);
    signals.take();
    if (failing.wait(pulse).code != 3) ::_exit(3);
    ::_exit(becomes_true([&] { return signals.take() == 0 && zombie_or_none() == -1; }) ? 0 : 4);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
}
