// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

namespace wrktalk::base {

/// What the process tells its caller; the same for every command. `exit_code_rows` says what each means.
enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,
  difference = 3,
  busy = 4,
  configuration = 5,
  database = 6,
  artifact = 7,
  child = 8,
  put_back = 9,
  not_put_back = 10,
  interrupted = 130,
  terminated = 143,
};

struct ExitCodeRow {
  ExitCode code;
  const char* meaning;  ///< in --help and README.md
  bool is_worth_again;  ///< the same command may succeed later, with nothing changed; README.md says so
};

/// In the order of their numbers.
constexpr std::array<ExitCodeRow, 13> exit_code_rows() noexcept {
  return {{
      {ExitCode::done, "done", false},
      {ExitCode::failed, "failed", false},
      {ExitCode::usage, "invalid command-line usage", false},
      {ExitCode::difference, "a difference was found (`verify`, `migrate status --exit-code`)", false},
      {ExitCode::busy, "busy: another deployment or migration holds the lock, or somebody else works on the target",
       true},
      {ExitCode::configuration, "a setting, a credential, a right or a schema version is wrong", false},
      {ExitCode::database, "the database or Vault cannot be reached, or was lost", true},
      {ExitCode::artifact, "the release was refused: damaged, hostile, or not for this target or schema", false},
      {ExitCode::child, "a program that was started failed or took too long", false},
      {ExitCode::put_back, "the deployment failed, what ran before runs again and is well", false},
      {ExitCode::not_put_back,
       "the deployment failed and could not be put back, or what was put back is not well: manual intervention is "
       "required",
       false},
      {ExitCode::interrupted, "ended by SIGINT", true},
      {ExitCode::terminated, "ended by SIGTERM", true},
  }};
}

constexpr int to_int(ExitCode code) noexcept { return static_cast<int>(code); }

}  // namespace wrktalk::base
