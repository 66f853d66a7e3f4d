// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wrktalk::base {

/// What the process tells its caller; the same for every command and in every man page.
enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,
  difference = 3,     ///< `verify` found drift, `migrate status --exit-code` found something pending
  busy = 4,           ///< another deployment or migration holds the lock
  configuration = 5,  ///< settings, a wrong password, a schema that is too old
  database = 6,       ///< unreachable or lost, after retries
  artifact = 7,       ///< the release was refused: digest, archive, content
  child = 8,          ///< helm, compose or a configured command failed or timed out
  put_back = 9,       ///< the deployment failed and what ran before runs again
  not_put_back = 10,  ///< the deployment failed and could not be put back: manual intervention is required
  interrupted = 130,  ///< SIGINT
  terminated = 143,   ///< SIGTERM
};

constexpr int to_int(ExitCode code) noexcept { return static_cast<int>(code); }

}  // namespace wrktalk::base
