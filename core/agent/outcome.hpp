// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/exit_code.hpp"
#include "core/deploy/deployer.hpp"
#include "core/queue/task.hpp"

#include <optional>
#include <string>

/// How a task ended, and everything that follows from it.
namespace wrktalk::agent {

using Left = deploy::StepError::Left;

/// Why a task did not complete, and how it left its target.
struct Failure {
  base::Kind kind = base::Kind::failed;
  Left left = Left::dirty;  ///< `dirty` only until it was undone
  std::string message;      ///< "STEP: what"
  std::string hint{};
  std::string evidence{};        ///< redacted, bounded
  std::string put_back_error{};  ///< not_put_back: why

  /// An operator or a signal asked for it to end.
  bool on_request() const noexcept {
    return kind == base::Kind::cancelled || kind == base::Kind::interrupted || kind == base::Kind::terminated;
  }
};

/// One row of the table of endings.
struct EndingRow {
  queue::Status status;
  const char* state;                        ///< result->>'state'
  std::optional<base::ExitCode> exit_code;  ///< empty: that of the failure's kind
  const char* wording;                      ///< between what the task was and why it ended so
  const char* notification;                 ///< the event's second word; nullptr: nobody is told
  bool needs_hands;                         ///< maintenance stays on, and the admins are told so
};

/// The row for an outcome; no failure means completed.
const EndingRow& ending_of(const std::optional<Failure>& failure);

/// What a command in the foreground exits with.
base::ExitCode exit_code_of(const std::optional<Failure>& failure);

}  // namespace wrktalk::agent
