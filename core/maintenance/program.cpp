// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/program.hpp"

#include "core/base/error.hpp"
#include "core/base/trust.hpp"
#include "core/exec/run.hpp"
#include "core/log/log.hpp"

#include <cstdlib>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

constexpr std::chrono::seconds kTakes{30};
constexpr std::chrono::seconds kGrace{5};
constexpr std::size_t kLongestLoggedLine = 2000;
/// Nothing else of ours: no password reaches the program.
constexpr const char* kPassed[] = {"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"};

}  // namespace

void run_program(const std::string& program, bool on, base::Pulse& pulse) {
  base::require_trusted_program(program);
  exec::Spec spec;
  spec.argv = {program};
  for (const char* name : kPassed) {
    if (const char* value = std::getenv(name)) spec.environment.push_back(std::string(name) + "=" + value);
  }
  spec.environment.push_back(std::string("WRKTALK_MAINTENANCE=") + (on ? "on" : "off"));
  spec.timeout = kTakes;
  spec.grace = kGrace;
  spec.on_line = [](std::string_view line, bool) {
    log::info("maintenance.output", line.substr(0, kLongestLoggedLine));
  };
  const auto outcome = exec::run(spec, pulse);
  if (outcome.end == exec::Outcome::End::not_started) {
    throw Error(Kind::configuration, program + " " + outcome.describe(),
                "name one executable file, without arguments (wrktalk config show)");
  }
  if (!outcome.good()) throw Error(Kind::child, program + " " + outcome.describe(), "run it by hand: " + program);
}

}  // namespace wrktalk::maintenance
