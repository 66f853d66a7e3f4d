// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/exec/fence.hpp"

#include <string_view>
#include <sys/prctl.h>

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == wrktalk::exec::kGuardCommand) {
    return wrktalk::exec::guard_main(argc, argv);
  }
  // A core dump would hold every password; what we start has its own setting again.
  ::prctl(PR_SET_DUMPABLE, 0);
  return wrktalk::cmd::run(argc, argv);
}
